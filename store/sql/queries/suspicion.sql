-- name: drop
-- Suspicions that a page writes anew, or that are none after all; and how long they lasted.
DELETE FROM suspicion t USING unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS s (bay_id, device_id, kind, began_at)
WHERE t.area = $1 AND t.generation = $2
  AND (t.bay_id, t.device_id, t.kind, t.began_at) = (s.bay_id, s.device_id, s.kind, s.began_at)
RETURNING t.bay_id, t.device_id, t.kind, t.began_at, t.ended_at;

-- name: copy
-- Suspicions in bulk.
COPY suspicion (area, generation, bay_id, device_id, kind, began_at, ended_at, reason, evidence) FROM STDIN (FORMAT BINARY);

-- name: load
-- Suspicions of a generation that last, or ended at a time or after it.
SELECT bay_id, device_id, kind, began_at, ended_at, reason, evidence FROM suspicion
WHERE area = $1 AND generation = $2 AND (ended_at IS NULL OR ended_at >= $3)
ORDER BY began_at, kind;

-- name: of_bays
-- All suspicions of some bays of a generation.
SELECT bay_id, device_id, kind, began_at, ended_at, reason, evidence FROM suspicion
WHERE area = $1 AND generation = $2 AND bay_id = ANY($3::text[])
ORDER BY began_at, kind;

-- name: short_spells
-- When short spells of some bays ended after a time, by bay and sensor, in order: those that turned into another known
-- state. Looked up bay by bay.
SELECT i.bay_id, i.device_id, array_agg(i.ended_at ORDER BY i.ended_at)
FROM unnest($3::text[]) AS b (bay_id)
CROSS JOIN LATERAL (
    SELECT t.bay_id, t.device_id, t.started_at, t.ended_at, t.state,
        lead(t.started_at) OVER own AS next_at, lead(t.state) OVER own AS next_state
    FROM bay_interval t
    WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at >= $4::timestamptz - $6::interval
    WINDOW own AS (PARTITION BY t.bay_id, t.device_id ORDER BY t.started_at) OFFSET 0
) AS i
WHERE i.ended_at > $4 AND i.ended_at - i.started_at BETWEEN $5::interval AND $6 AND i.state <> 'unknown'
  AND i.next_at = i.ended_at AND i.next_state <> 'unknown'
GROUP BY i.bay_id, i.device_id;
