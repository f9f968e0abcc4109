-- name: seeds_of_sensors
-- The newest checkpoint of every sensor from before an instant ($4) that holds nothing of what came after a position. What came
-- after is looked for among the words up to the checkpoint, of which there are few: the log has lost those before, once a day.
WITH frozen AS (
    SELECT device_id, incarnation, boot, seq FROM device_checkpoint WHERE area = $1 AND generation = $2 AND frozen
), newest AS (
    SELECT DISTINCT ON (device_id) device_id, incarnation, boot, seq FROM device_checkpoint
    WHERE area = $1 AND generation = $2 AND (as_of <= $4 OR frozen) ORDER BY device_id, incarnation DESC, boot DESC, seq DESC
), late AS (
    SELECT n.device_id, min(ARRAY[r.incarnation::bigint, r.boot, r.seq]) AS key
    FROM newest n
    JOIN reading r ON r.device_id = n.device_id AND (r.incarnation, r.boot, r.seq) <= (n.incarnation, n.boot, n.seq)
    JOIN log_batch b USING (batch_id)
    LEFT JOIN frozen f ON f.device_id = n.device_id
    WHERE b.area = $1 AND b.position > $3 AND r.kind IN ('state', 'health', 'boot')
      AND (f.device_id IS NULL OR (r.incarnation, r.boot, r.seq) > (f.incarnation, f.boot, f.seq))
    GROUP BY n.device_id
)
SELECT DISTINCT ON (c.device_id) c.device_id, c.incarnation, c.boot, c.seq
FROM newest n JOIN device_checkpoint c ON c.area = $1 AND c.generation = $2 AND c.device_id = n.device_id
    AND (c.incarnation, c.boot, c.seq) <= (n.incarnation, n.boot, n.seq)
LEFT JOIN late l ON l.device_id = n.device_id
WHERE c.frozen OR l.key IS NULL OR ARRAY[c.incarnation::bigint, c.boot, c.seq] < l.key
ORDER BY c.device_id, c.incarnation DESC, c.boot DESC, c.seq DESC;

-- name: freeze_checkpoints
-- The seeds of sensors (arrays); one that a late word has taken away meanwhile is none, and the one before it stays.
UPDATE device_checkpoint c SET frozen = true
FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS s (device_id, incarnation, boot, seq)
WHERE c.area = $1 AND c.generation = $2 AND c.device_id = s.device_id
  AND (c.incarnation, c.boot, c.seq) = (s.incarnation, s.boot, s.seq);

-- name: forget_checkpoints
-- Those of sensors before their seeds: nothing can be folded from them any more.
DELETE FROM device_checkpoint c USING device_checkpoint s
WHERE s.area = $1 AND s.generation = $2 AND s.frozen AND c.area = $1 AND c.generation = $2 AND c.device_id = s.device_id
  AND (c.incarnation, c.boot, c.seq) < (s.incarnation, s.boot, s.seq);

-- name: freeze_count_checkpoints
-- The seeds of car parks (arrays).
UPDATE count_checkpoint c SET frozen = true FROM unnest($3::text[], $4::timestamptz[]) AS s (zone_id, at)
WHERE c.area = $1 AND c.generation = $2 AND c.zone_id = s.zone_id AND c.at = s.at;

-- name: forget_count_checkpoints
-- Those of car parks before their seeds.
DELETE FROM count_checkpoint c USING count_checkpoint s
WHERE s.area = $1 AND s.generation = $2 AND s.frozen AND c.area = $1 AND c.generation = $2 AND c.zone_id = s.zone_id AND c.at < s.at;

-- name: begin_log
-- The log begins at an instant. Who folds it learns of that by its next swap.
WITH head AS (UPDATE log_head SET begins_at = $3 WHERE area = $1)
UPDATE generation SET begins_at = $3 WHERE area = $1 AND generation = $2;

-- name: is_live
-- Whether an area goes by the clock, and not by what its publisher says of time.
SELECT clock = 'live' FROM log_head WHERE area = $1;

-- name: drop_readings_of_sensors
-- What their seeds hold, but for what tells who was heard from a time on ($3). In a live area that is a time of receipt, so that
-- TimescaleDB reads no chunk from after it ($4: the same, or the end of time).
DELETE FROM reading r USING device_checkpoint s, log_head h
WHERE s.area = $1 AND s.generation = $2 AND s.frozen AND h.area = $1
  AND r.area = $1 AND r.device_id = s.device_id AND (r.incarnation, r.boot, r.seq) <= (s.incarnation, s.boot, s.seq)
  AND r.received_at < $4 AND $3 > CASE h.clock
      WHEN 'live' THEN r.received_at
      ELSE coalesce(r.at, r.received_at - coalesce(r.age_ms, 0) * interval '1 millisecond')
  END;

-- name: drop_readings_of_gates
-- What the seeds of their car parks hold (arrays: whose gate each is; $5: the newest seed), but for those that vehicles inside
-- are known by.
WITH seed AS (
    SELECT zone_id, at, doc FROM count_checkpoint WHERE area = $1 AND generation = $2 AND frozen
), kept AS (
    SELECT v ->> 1 AS device_id, (v ->> 2)::integer AS incarnation, (v ->> 3)::bigint AS boot, (v ->> 4)::bigint AS seq
    FROM seed, jsonb_array_elements((doc -> 'visits' -> 'inside') || (doc -> 'visits' -> 'left')) AS v
)
DELETE FROM reading r
USING unnest($3::text[], $4::text[]) AS g (device_id, zone_id), seed s
WHERE s.zone_id = g.zone_id AND r.area = $1 AND r.device_id = g.device_id AND greatest(r.at, r.received_at) <= s.at AND r.received_at <= $5
  AND (r.device_id, r.incarnation, r.boot, r.seq) NOT IN (SELECT device_id, incarnation, boot, seq FROM kept);

-- name: last_receipt
-- When the last reading was received of those batches before a position that hold readings and nothing else; null: there are none.
SELECT max(received_to) FROM log_batch WHERE area = $1 AND position < $2 AND entries = 0;

-- name: drop_batches
-- Batches before a position of which no reading is left, and which hold no entry; but for that of the first watermark, since when
-- history tells of silence. $3: when their last reading was received.
WITH held AS (
    SELECT DISTINCT batch_id FROM reading WHERE area = $1 AND received_at <= $3
)
DELETE FROM log_batch b WHERE b.area = $1 AND b.position < $2 AND b.entries = 0
  AND b.position > (SELECT min(f.position) FROM log_batch f WHERE f.area = $1 AND f.watermark IS NOT NULL)
  AND NOT EXISTS (SELECT FROM held WHERE held.batch_id = b.batch_id);
