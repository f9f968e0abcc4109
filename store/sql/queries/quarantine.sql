-- name: record
-- Keeps what could not become a reading; the same bad message again only raises its count.
INSERT INTO quarantine (digest, topic, reason, detail, device_id, payload, payload_bytes, first_seen, last_seen, count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (digest) DO UPDATE SET
    count = quarantine.count + excluded.count,
    first_seen = least(quarantine.first_seen, excluded.first_seen),
    last_seen = greatest(quarantine.last_seen, excluded.last_seen);

-- name: overflow
-- Beyond a source's hourly cap: a count, and the first of them as a sample.
INSERT INTO quarantine_overflow (source, hour, reason, count, sample) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source, hour, reason) DO UPDATE SET
    count = quarantine_overflow.count + excluded.count,
    sample = coalesce(quarantine_overflow.sample, excluded.sample);

-- name: unknown_devices
-- Devices whose messages wait for their registration.
SELECT DISTINCT device_id FROM quarantine
WHERE reason = 'unknown_device' AND replayed_at IS NULL AND device_id IS NOT NULL AND payload IS NOT NULL;

-- name: any_asked
-- Whether an admin asked for something to be tried again.
SELECT EXISTS (SELECT FROM quarantine WHERE replay_asked_at IS NOT NULL);

-- name: waiting
-- The oldest waiting messages of some devices, and those that are asked for; another worker's replay is passed over.
SELECT id, topic, payload, first_seen, CASE WHEN replay_asked_at IS NOT NULL THEN digest END FROM quarantine
WHERE replayed_at IS NULL AND payload IS NOT NULL
  AND (reason = 'unknown_device' AND device_id = ANY($1::text[]) OR replay_asked_at IS NOT NULL)
ORDER BY id LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: page
-- What was refused, the newest first, before one: of devices in some areas (NULL: of any device, and of none), for one reason
-- or for any, one row or any; also discarded. Of passages nothing of the payload is told, whatever is there.
SELECT q.id, r.area, q.topic, q.reason, q.detail, q.device_id,
       CASE WHEN q.topic NOT LIKE '%/passage' THEN substr(q.payload, 1, $5) END,
       q.payload_bytes, q.first_seen, q.last_seen, q.count, q.replayed_at,
       q.replay_asked_at, q.replay_refused_at, q.discarded_at, q.discard_reason
FROM quarantine q
LEFT JOIN registry r ON r.kind IN ('sensor', 'gate') AND r.id = q.device_id
WHERE ($1::text[] IS NULL OR r.area = ANY($1)) AND ($2::text IS NULL OR q.reason = $2)
  AND ($3::bigint IS NULL OR q.id < $3) AND ($6::bigint IS NULL OR q.id = $6) AND ($7 OR q.discarded_at IS NULL)
ORDER BY q.id DESC LIMIT $4;

-- name: mark_replayed
-- Written in the transaction that appends the readings.
UPDATE quarantine SET replayed_at = $2, replay_asked_at = NULL WHERE id = ANY($1::bigint[]);

-- name: mark_refused_again
-- Likewise, where nothing came of it.
UPDATE quarantine SET replayed_at = NULL, replay_refused_at = $2 WHERE digest = ANY($1::bytea[]);

-- name: choose
-- Rows of devices in some areas (NULL: of any device, and of none): by number, or open ones for one reason, the oldest first. To
-- be replayed, those come first of which something may come: then what waits for its replay, what was refused again (longest
-- ago first), and last what can not be replayed. With whether their payload is there as a whole.
SELECT q.id, r.area, k.of_device, k.whole, q.replayed_at IS NOT NULL, q.discarded_at IS NOT NULL
FROM quarantine q
LEFT JOIN registry r ON r.kind IN ('sensor', 'gate') AND r.id = q.device_id
CROSS JOIN LATERAL (
    SELECT q.device_id IS NOT NULL AND q.topic NOT LIKE '%/passage' AS of_device,
           q.payload IS NOT NULL AND octet_length(q.payload) = q.payload_bytes AS whole
) AS k
WHERE ($1::text[] IS NULL OR r.area = ANY($1))
  AND (q.id = ANY($2::bigint[]) OR q.reason = $3 AND q.replayed_at IS NULL AND q.discarded_at IS NULL)
ORDER BY CASE WHEN NOT $5 THEN 0 WHEN NOT (k.of_device AND k.whole) THEN 3 WHEN q.replay_asked_at IS NOT NULL THEN 1
              WHEN q.replay_refused_at IS NOT NULL THEN 2 ELSE 0 END,
         CASE WHEN $5 THEN q.replay_refused_at END NULLS FIRST, q.id
LIMIT $4
FOR UPDATE OF q;

-- name: ask_replay
-- Ingest tries them again.
UPDATE quarantine SET replay_asked_at = $2 WHERE id = ANY($1::bigint[]);

-- name: discard
-- Nothing will come of them, and nothing of their payload is kept.
UPDATE quarantine SET discarded_at = $2, discard_reason = $3, payload = NULL, replay_asked_at = NULL WHERE id = ANY($1::bigint[]);
