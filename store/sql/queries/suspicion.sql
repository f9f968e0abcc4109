-- name: drop
-- Suspicions that a page writes anew, or that are none after all.
DELETE FROM suspicion t USING unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS s (bay_id, device_id, kind, began_at)
WHERE t.area = $1 AND t.generation = $2
  AND (t.bay_id, t.device_id, t.kind, t.began_at) = (s.bay_id, s.device_id, s.kind, s.began_at);

-- name: copy
-- Suspicions in bulk.
COPY suspicion (area, generation, bay_id, device_id, kind, began_at, ended_at, reason, evidence) FROM STDIN (FORMAT BINARY);

-- name: load
-- Suspicions of a generation that last, or ended after a time.
SELECT bay_id, device_id, kind, began_at, ended_at, reason, evidence FROM suspicion
WHERE area = $1 AND generation = $2 AND (ended_at IS NULL OR ended_at > $3)
ORDER BY began_at, kind;

-- name: of_bays
-- All suspicions of some bays of a generation.
SELECT bay_id, device_id, kind, began_at, ended_at, reason, evidence FROM suspicion
WHERE area = $1 AND generation = $2 AND bay_id = ANY($3::text[])
ORDER BY began_at, kind;

-- name: short_spells
-- When short spells of some bays ended after a time, by bay and sensor, in order. Looked up bay by bay.
SELECT i.bay_id, i.device_id, array_agg(i.ended_at ORDER BY i.ended_at)
FROM unnest($3::text[]) AS b (bay_id)
CROSS JOIN LATERAL (
    SELECT t.bay_id, t.device_id, t.ended_at FROM bay_interval t
    WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at >= $4::timestamptz - $6::interval
      AND t.ended_at > $4 AND t.ended_at - t.started_at BETWEEN $5::interval AND $6 AND t.state <> 'unknown' OFFSET 0
) AS i
GROUP BY i.bay_id, i.device_id;
