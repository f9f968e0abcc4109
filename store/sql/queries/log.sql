-- name: stage
-- Where a batch's readings wait for deduplication; empty again after COMMIT.
CREATE TEMPORARY TABLE IF NOT EXISTS reading_stage (
    batch_id bigint, ordinal integer, area text, device_id text, incarnation integer, boot bigint, seq bigint,
    kind text, at timestamptz, age_ms bigint, received_at timestamptz, occupied boolean, cause text, prev_s bigint,
    confidence real, direction text, vehicle_token text, count integer, capacity integer, battery_mv integer,
    temperature_c real, rssi_dbm real, faults text[], meaning bigint, raw bytea
) ON COMMIT DELETE ROWS;

-- name: copy_stage
-- Binary COPY into the stage.
COPY reading_stage FROM STDIN (FORMAT BINARY);

-- name: batch_ids
-- As many batch ids as areas in the batch.
SELECT nextval('log_batch_id') FROM generate_series(1, $1::integer);

-- name: open_lives
-- A row for each life of a device seen for the first time, in device order.
INSERT INTO device_seen (device_id, incarnation, boot)
SELECT DISTINCT device_id, incarnation, boot FROM reading_stage ORDER BY device_id, incarnation, boot
ON CONFLICT DO NOTHING;

-- name: lock_lives
-- Locks the lives of the batch in device order: workers that share a device wait for each other, never in a ring.
SELECT 1 FROM device_seen d
JOIN (SELECT DISTINCT device_id, incarnation, boot FROM reading_stage) s USING (device_id, incarnation, boot)
ORDER BY d.device_id, d.incarnation, d.boot
FOR UPDATE OF d;

-- name: store_new
-- Stores the first of each key that was never seen and marks the batch's keys as seen; returns the ordinals stored.
WITH stored AS (
    INSERT INTO reading
    SELECT first.* FROM (
        SELECT DISTINCT ON (s.device_id, s.incarnation, s.boot, s.seq) s.*
        FROM reading_stage s
        JOIN device_seen d USING (device_id, incarnation, boot)
        WHERE NOT d.seen @> s.seq
        ORDER BY s.device_id, s.incarnation, s.boot, s.seq, s.ordinal
    ) AS first
    RETURNING ordinal
), marked AS (
    UPDATE device_seen d SET seen = d.seen + s.seqs
    FROM (
        SELECT device_id, incarnation, boot, range_agg(int8range(seq, seq, '[]')) AS seqs
        FROM reading_stage GROUP BY device_id, incarnation, boot
    ) AS s
    WHERE d.device_id = s.device_id AND d.incarnation = s.incarnation AND d.boot = s.boot AND NOT d.seen @> s.seqs
)
SELECT ordinal FROM stored;

-- name: conflicts
-- Ordinals of the staged readings whose key is taken by a stored reading with another meaning.
SELECT s.ordinal FROM reading_stage s
JOIN reading r USING (device_id, incarnation, boot, seq)
WHERE r.meaning <> s.meaning AND s.ordinal = ANY($1::integer[])
ORDER BY s.ordinal;

-- name: ensure_head
-- The head of an area's log, made with the area.
INSERT INTO log_head (area, clock) VALUES ($1, $2) ON CONFLICT (area) DO NOTHING;

-- name: peek_head
-- Locks the head to see whether a watermark would move; no position is used when it would not.
SELECT watermark, clock FROM log_head WHERE area = $1 FOR UPDATE;

-- name: close_batch
-- Taken last before COMMIT: the head's row lock makes positions gapless and in commit order, and the watermark only moves
-- forward. The batch row gets the position; its readings and entries name the batch. The notification is a hint.
WITH head AS (
    UPDATE log_head SET position = position + 1, watermark = greatest(watermark, $3) WHERE area = $1 RETURNING position
)
INSERT INTO log_batch (area, position, batch_id, watermark, readings, entries, received_from, received_to)
SELECT $1, head.position, $2, $3, $4, $5, $6, $7 FROM head
RETURNING position, pg_notify('baycast_log', $1);

-- name: insert_entry
-- One registry change, outage or recount of a batch.
INSERT INTO log_entry (batch_id, ordinal, area, kind, key, doc, entered_at, entered_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: tail
-- The batches after a cursor, oldest first.
SELECT position, batch_id, watermark, readings, entries, received_from, received_to
FROM log_batch WHERE area = $1 AND position > $2 ORDER BY position LIMIT $3;

-- name: readings_of
-- The readings of some batches, in log order; the receive times let a hypertable skip chunks.
SELECT batch_id, device_id, incarnation, boot, seq, kind, at, age_ms, received_at, occupied, cause, prev_s,
       confidence, direction, count, capacity, coalesce(vehicle_token, visit::text)
FROM reading
WHERE batch_id = ANY($1::bigint[]) AND received_at BETWEEN $2 AND $3
ORDER BY batch_id, ordinal;

-- name: entries_of
-- The registry changes, outages and recounts of some batches, in log order.
SELECT batch_id, kind, key, doc, ordinal FROM log_entry WHERE batch_id = ANY($1::bigint[]) ORDER BY batch_id, ordinal;

-- name: readings_of_device
-- One device's readings after a key, in the device's own order, up to a batch position of the area.
SELECT r.batch_id, r.device_id, r.incarnation, r.boot, r.seq, r.kind, r.at, r.age_ms, r.received_at, r.occupied, r.cause,
       r.prev_s, r.confidence, r.direction, r.count, r.capacity, coalesce(r.vehicle_token, r.visit::text)
FROM reading r JOIN log_batch b USING (batch_id)
WHERE r.device_id = $1 AND (r.incarnation, r.boot, r.seq) > ($2, $3, $4) AND b.area = $5 AND b.position <= $6
ORDER BY r.incarnation, r.boot, r.seq;

-- name: heads
-- Every area's log.
SELECT area, position, watermark, clock FROM log_head ORDER BY area;

-- name: recounts_of
-- What an operator counted in a car park, up to a batch position of the area.
SELECT b.position, e.ordinal, e.doc FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind = 'recount' AND e.key = $2 AND b.position <= $3;

-- name: vehicles_of
-- What tells the vehicles of some passages apart, by reading.
SELECT w.device_id, w.incarnation, w.boot, w.seq, coalesce(r.vehicle_token, r.visit::text)
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS w (device_id, incarnation, boot, seq)
JOIN reading r USING (device_id, incarnation, boot, seq)
WHERE r.vehicle_token IS NOT NULL OR r.visit IS NOT NULL;

-- name: forget_tokens
-- Vehicle tokens go when the newest reading with one is older than the longest stay in the area and the hours that a reading
-- may be late: all readings with it at once get a number for it. Some thousands at a time; returns how many readings.
WITH kept AS (
    SELECT make_interval(hours => $2::integer + greatest(24, coalesce(max((doc ->> 'longest_stay_h')::integer), 24))) AS for_so_long
    FROM registry WHERE area = $1 AND kind = 'zone'
), old AS (
    SELECT vehicle_token FROM reading, kept
    WHERE area = $1 AND vehicle_token IS NOT NULL
    GROUP BY vehicle_token, for_so_long HAVING max(received_at) < clock_timestamp() - for_so_long LIMIT 10000
), numbered AS (
    SELECT vehicle_token, nextval('visit_number') AS visit FROM old
)
UPDATE reading r SET visit = n.visit, vehicle_token = NULL
FROM numbered n WHERE r.area = $1 AND r.vehicle_token = n.vehicle_token;
