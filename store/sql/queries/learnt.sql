-- name: known
-- Whether something was learnt on a civil day.
SELECT EXISTS (SELECT FROM log_entry WHERE area = $1 AND kind = 'learnt' AND key = $2);

-- name: newest
-- What was learnt up to a position of the area, the newest first.
SELECT e.doc FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind = 'learnt' AND b.position <= $2
ORDER BY e.key DESC LIMIT $3;
