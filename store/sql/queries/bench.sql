-- name: words_lost
-- Single words of sensors that are missing between two that came, said from $2 to $3; they were received up to $4.
SELECT device_id, boot, seq + 1, at, next_at, occupied, next_occupied, next_cause
FROM (
    SELECT device_id, boot, seq, at, occupied, lead(seq) OVER life AS next_seq, lead(at) OVER life AS next_at,
           lead(occupied) OVER life AS next_occupied, lead(cause) OVER life AS next_cause
    FROM reading
    WHERE area = $1 AND kind = 'state' AND at >= $2 AND at < $3 AND received_at BETWEEN $2 AND $4
    WINDOW life AS (PARTITION BY device_id, boot ORDER BY seq)
) AS said
WHERE next_seq = seq + 2 ORDER BY device_id, seq;

-- name: revisions
-- How many records of an area were revised, by cause.
SELECT r.cause, count(*) FROM history_revision r JOIN history_series s USING (series_id) WHERE s.area = $1 GROUP BY r.cause;

-- name: counts
-- Readings of an area's log; of its live generation the stays that ended, and the hours of all its series, records and not.
SELECT (SELECT sum(readings)::bigint FROM log_batch WHERE area = $1),
       (SELECT count(*) FROM stay WHERE area = $1 AND generation = $2 AND departed_at IS NOT NULL),
       (SELECT count(*) FROM history_final f JOIN history_series s USING (series_id) WHERE s.area = $1)
     + (SELECT count(*) FROM history_hour h JOIN history_series s USING (series_id)
        WHERE s.area = $1 AND h.generation = $2
          AND h.hour_at >= coalesce((SELECT final_to FROM history_finality WHERE area = $1), '-infinity'));

-- name: zones
-- Zones of an area that have a history.
SELECT scope_id FROM history_series WHERE area = $1 AND scope = 'zone' AND dim = 'all' ORDER BY scope_id;

-- name: sizes
-- Bytes of tables with their indexes, and with what they have in chunks, compressed or not.
SELECT name, bytes FROM table_sizes() WHERE name = ANY($1::text[]) ORDER BY name;

-- name: analyze
-- Statistics of everything.
ANALYZE;
