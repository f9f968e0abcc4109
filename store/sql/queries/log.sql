-- name: copy_readings
-- Binary COPY of readings whose keys are claimed.
COPY reading (
    batch_id, ordinal, area, device_id, incarnation, boot, seq, kind, at, age_ms, received_at, occupied, cause, prev_s,
    confidence, direction, vehicle_token, count, capacity, battery_mv, temperature_c, rssi_dbm, faults, meaning, raw
) FROM STDIN (FORMAT BINARY);

-- name: batch_ids
-- As many batch ids as areas in the batch.
SELECT nextval('log_batch_id') FROM generate_series(1, $1::integer);

-- name: claim
-- Marks keys as seen, a life of a device at a time and in device order: workers that share a device wait for each other,
-- never in a ring. Returns the keys, by their place, of lives that began with them (marked), that are not known to be the
-- latest of their device, or that saw one of theirs before: these are locked, not marked.
WITH key AS (
    SELECT device_id, incarnation, boot, seq, place
    FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY AS k (device_id, incarnation, boot, seq, place)
), fresh AS (
    INSERT INTO device_seen AS d (device_id, incarnation, boot, seen)
    SELECT device_id, incarnation, boot, range_agg(int8range(seq, seq, '[]'))
    FROM key GROUP BY device_id, incarnation, boot ORDER BY device_id, incarnation, boot
    ON CONFLICT (device_id, incarnation, boot) DO UPDATE SET seen = d.seen + excluded.seen
    WHERE d.latest AND NOT d.seen && excluded.seen
    RETURNING device_id, incarnation, boot, latest
)
SELECT place - 1, fresh.boot IS NOT NULL
FROM key LEFT JOIN fresh USING (device_id, incarnation, boot) WHERE fresh.latest IS NOT TRUE;

-- name: claim_unseen
-- Marks those keys as seen that were not, in lives that are locked already; returns them by their place, with whether their
-- life is known to be the latest.
WITH key AS (
    SELECT device_id, incarnation, boot, seq, place
    FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY AS k (device_id, incarnation, boot, seq, place)
), unseen AS (
    SELECT key.*, d.latest FROM key JOIN device_seen d USING (device_id, incarnation, boot) WHERE NOT d.seen @> key.seq
), marked AS (
    UPDATE device_seen d SET seen = d.seen + u.seqs
    FROM (
        SELECT device_id, incarnation, boot, range_agg(int8range(seq, seq, '[]')) AS seqs
        FROM unseen GROUP BY device_id, incarnation, boot
    ) AS u
    WHERE d.device_id = u.device_id AND d.incarnation = u.incarnation AND d.boot = u.boot
)
SELECT place - 1, latest FROM unseen;

-- name: clocks
-- Whose time each area goes by.
SELECT area, clock FROM log_head;

-- name: begin_lives
-- Notes when lives began.
UPDATE device_seen d SET said_at = k.said_at, heard_at = k.heard_at
FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
    AS k (device_id, incarnation, boot, said_at, heard_at)
WHERE d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot = k.boot;

-- name: later_boots
-- For each life, in the order given, when the first of its device's later boots was said and heard to begin; NULL: it is the
-- latest. One of which no reading was left began before all that is.
SELECT later.said_at, later.heard_at
FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[]) WITH ORDINALITY AS k (device_id, incarnation, boot, place)
CROSS JOIN LATERAL (
    SELECT min(coalesce(d.said_at, to_timestamp(0))) AS said_at, min(coalesce(d.heard_at, to_timestamp(0))) AS heard_at
    FROM device_seen d WHERE d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot > k.boot
) AS later
ORDER BY place;

-- name: unclaim
-- Takes back keys that this transaction marked as seen.
UPDATE device_seen d SET seen = d.seen - k.seqs
FROM (
    SELECT device_id, incarnation, boot, range_agg(int8range(seq, seq, '[]')) AS seqs
    FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::bigint[]) AS k (device_id, incarnation, boot, seq)
    GROUP BY device_id, incarnation, boot
) AS k
WHERE d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot = k.boot;

-- name: forget_lives
-- Those of which nothing was seen after all.
DELETE FROM device_seen d
USING unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[]) AS k (device_id, incarnation, boot)
WHERE d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot = k.boot AND isempty(d.seen);

-- name: overtake
-- Lives before these are no longer their device's latest. Who is at work on one of them is not waited for: that could close
-- a ring of workers.
UPDATE device_seen SET latest = false
WHERE (device_id, incarnation, boot) IN (
    SELECT d.device_id, d.incarnation, d.boot
    FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[]) AS k (device_id, incarnation, boot)
    JOIN device_seen d ON d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot < k.boot
    WHERE d.latest FOR NO KEY UPDATE OF d SKIP LOCKED
);

-- name: mark_latest
-- These are, unless one before them was passed over just now: then their next words try again.
UPDATE device_seen d SET latest = true
FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[]) AS k (device_id, incarnation, boot)
WHERE d.device_id = k.device_id AND d.incarnation = k.incarnation AND d.boot = k.boot AND NOT EXISTS (
    SELECT FROM device_seen o
    WHERE o.device_id = d.device_id AND o.incarnation = d.incarnation AND o.boot < d.boot AND o.latest
);

-- name: conflicts
-- The readings, by their place, whose key is taken by a stored reading with another meaning.
-- Each is looked up by itself, which OFFSET 0 enforces: a join would be planned over whole compressed chunks.
SELECT place - 1
FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
    WITH ORDINALITY AS k (device_id, incarnation, boot, seq, meaning, place)
CROSS JOIN LATERAL (
    SELECT r.meaning FROM reading r
    WHERE r.device_id = k.device_id AND r.incarnation = k.incarnation AND r.boot = k.boot AND r.seq = k.seq OFFSET 0
) AS r
WHERE r.meaning <> k.meaning;

-- name: echoes
-- The readings, by their place, that an earlier life of their device said already: same key, same moment, same meaning.
SELECT DISTINCT place - 1
FROM unnest(string_to_array($1, E'\n'), $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
    WITH ORDINALITY AS k (device_id, incarnation, boot, seq, meaning, at, place)
JOIN device_seen d ON d.device_id = k.device_id AND d.incarnation < k.incarnation AND d.boot = k.boot AND d.seen @> k.seq
CROSS JOIN LATERAL (
    SELECT r.at, r.meaning FROM reading r
    WHERE r.device_id = d.device_id AND r.incarnation = d.incarnation AND r.boot = d.boot AND r.seq = k.seq OFFSET 0
) AS r
WHERE r.at = k.at AND r.meaning = k.meaning;

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

-- name: first_watermark
-- Of an area. Its batch is never dropped.
SELECT watermark FROM log_batch WHERE area = $1 AND watermark IS NOT NULL ORDER BY position LIMIT 1;

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
-- One device's readings after a key and up to another, in the device's own order, up to a batch position of the area, which
-- is looked up by row: a join would be planned over all batches there are. The second key keeps a fold of a long log from
-- reading, for every late word, all that the device says in the years that are not folded yet.
SELECT r.batch_id, r.device_id, r.incarnation, r.boot, r.seq, r.kind, r.at, r.age_ms, r.received_at, r.occupied, r.cause,
       r.prev_s, r.confidence, r.direction, r.count, r.capacity, coalesce(r.vehicle_token, r.visit::text)
FROM reading r
WHERE r.device_id = $1 AND (r.incarnation, r.boot, r.seq) > ($2, $3, $4) AND (r.incarnation, r.boot, r.seq) <= ($5, $6, $7)
  AND (SELECT b.area = $8 AND b.position <= $9 FROM log_batch b WHERE b.batch_id = r.batch_id)
ORDER BY r.incarnation, r.boot, r.seq;

-- name: heard_since
-- In which slots of $4 seconds since 1970 each sensor was heard since a time, up to a batch position: by receipt in a live
-- area, where the receive times of the batches bound the search; by the device's own word in an event area.
SELECT r.device_id, array_agg(DISTINCT floor(extract(epoch FROM r.heard_at) / $4::float8)::bigint)
FROM log_head h
JOIN log_batch b ON b.area = h.area AND b.position <= $2 AND b.readings > 0 AND (h.clock = 'event' OR b.received_to >= $3)
CROSS JOIN LATERAL (
    SELECT device_id, CASE h.clock
        WHEN 'live' THEN received_at
        ELSE coalesce(at, received_at - coalesce(age_ms, 0) * interval '1 millisecond')
    END AS heard_at
    FROM reading WHERE batch_id = b.batch_id AND kind IN ('state', 'health', 'boot')
) AS r
WHERE h.area = $1 AND r.heard_at >= $3
GROUP BY r.device_id;

-- name: outages_since
-- When the pipeline was down, of outages that ended after a time, up to a batch position of the area.
SELECT e.doc FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind = 'outage' AND b.position <= $2 AND e.entered_at >= $3;

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

-- name: newest
-- Up to when an area's log reaches: its watermark, or the last receipt of a reading; no row without a log.
SELECT greatest(h.watermark, max(b.received_to)) FROM log_head h LEFT JOIN log_batch b USING (area)
WHERE h.area = $1 GROUP BY h.area, h.watermark;
