-- name: forget_checkpoints
-- Those of sensors before their seeds (arrays): nothing can be folded from them any more.
DELETE FROM device_checkpoint c
USING unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS s (device_id, incarnation, boot, seq)
WHERE c.area = $1 AND c.generation = $2 AND c.device_id = s.device_id
  AND (c.incarnation, c.boot, c.seq) < (s.incarnation, s.boot, s.seq);

-- name: freeze_checkpoints
-- The seeds of sensors (arrays).
UPDATE device_checkpoint c SET frozen = true
FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS s (device_id, incarnation, boot, seq)
WHERE c.area = $1 AND c.generation = $2 AND c.device_id = s.device_id
  AND (c.incarnation, c.boot, c.seq) = (s.incarnation, s.boot, s.seq);

-- name: forget_count_checkpoints
-- Those of car parks before their seeds (arrays).
DELETE FROM count_checkpoint c USING unnest($3::text[], $4::timestamptz[]) AS s (zone_id, at)
WHERE c.area = $1 AND c.generation = $2 AND c.zone_id = s.zone_id AND c.at < s.at;

-- name: freeze_count_checkpoints
-- The seeds of car parks (arrays).
UPDATE count_checkpoint c SET frozen = true FROM unnest($3::text[], $4::timestamptz[]) AS s (zone_id, at)
WHERE c.area = $1 AND c.generation = $2 AND c.zone_id = s.zone_id AND c.at = s.at;

-- name: begin_log
-- The log begins at an instant. Who folds it learns of that by its next swap.
WITH head AS (UPDATE log_head SET begins_at = $3 WHERE area = $1)
UPDATE generation SET begins_at = $3 WHERE area = $1 AND generation = $2;

-- name: drop_readings_of_sensors
-- What their seeds hold, but for what tells who was heard from a time on.
DELETE FROM reading r USING device_checkpoint s, log_head h
WHERE s.area = $1 AND s.generation = $2 AND s.frozen AND h.area = $1
  AND r.area = $1 AND r.device_id = s.device_id AND (r.incarnation, r.boot, r.seq) <= (s.incarnation, s.boot, s.seq)
  AND $3 > CASE h.clock
      WHEN 'live' THEN r.received_at
      ELSE coalesce(r.at, r.received_at - coalesce(r.age_ms, 0) * interval '1 millisecond')
  END;

-- name: drop_readings_of_gates
-- What the seeds of their car parks hold (arrays: whose gate each is), but for those that vehicles inside are known by.
WITH seed AS (
    SELECT zone_id, at, doc FROM count_checkpoint WHERE area = $1 AND generation = $2 AND frozen
), kept AS (
    SELECT v ->> 1 AS device_id, (v ->> 2)::integer AS incarnation, (v ->> 3)::bigint AS boot, (v ->> 4)::bigint AS seq
    FROM seed, jsonb_array_elements((doc -> 'visits' -> 'inside') || (doc -> 'visits' -> 'left')) AS v
)
DELETE FROM reading r
USING unnest($3::text[], $4::text[]) AS g (device_id, zone_id), seed s
WHERE s.zone_id = g.zone_id AND r.area = $1 AND r.device_id = g.device_id AND greatest(r.at, r.received_at) <= s.at
  AND (r.device_id, r.incarnation, r.boot, r.seq) NOT IN (SELECT device_id, incarnation, boot, seq FROM kept);
