-- name: directory_version
-- Changes whenever a device or an area is added, changed or removed.
SELECT count(*), coalesce(max(batch_id), 0) FROM registry WHERE kind IN ('area', 'sensor', 'gate');

-- name: snapshot
-- The statements that follow see one state, so that the version and the rows agree.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: areas
-- The areas that have a log, and how each keeps time.
SELECT h.area, h.clock FROM log_head h JOIN registry r ON r.kind = 'area' AND r.id = h.area;

-- name: devices
-- Every registered device: where it is, which of its lives this is, what it may send.
SELECT r.id, r.area, coalesce((r.doc ->> 'incarnation')::integer, 0), r.kind
FROM registry r WHERE r.kind IN ('sensor', 'gate');

-- name: canary
-- The canary that this worker got through broker and database last.
INSERT INTO ingest_worker (worker_id, canary_at, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (worker_id) DO UPDATE SET
    canary_at = greatest(ingest_worker.canary_at, excluded.canary_at),
    seen_at = excluded.seen_at,
    stopped_at = NULL;

-- name: least_canary
-- The least canary of the workers that are neither stopped nor silent since the time given.
SELECT min(canary_at) FROM ingest_worker WHERE stopped_at IS NULL AND seen_at >= $1;

-- name: stop_worker
-- A worker that stopped in order no longer holds the watermark back.
UPDATE ingest_worker SET stopped_at = $2 WHERE worker_id = $1;

-- name: link
-- Last word of a device's link; an older word never replaces a newer one.
INSERT INTO device_link (device_id, online, at, received_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (device_id) DO UPDATE SET
    online = excluded.online, at = excluded.at, received_at = excluded.received_at
WHERE device_link.received_at <= excluded.received_at;

-- name: lock_worker
-- One process per worker id; the lock lives as long as the session.
SELECT pg_try_advisory_lock(hashtextextended('baycast ingest ' || $1, 0));

-- name: listen
-- A hint that the registry changed; the version is the truth.
LISTEN baycast_registry;

-- name: durable
-- Whether COMMIT means on disk here.
SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on';

-- name: synchronous
-- An acknowledgement stands for a commit on disk, whatever the server's default.
SET synchronous_commit = on;

-- name: worker_known
-- Whether this worker was here before, so that the broker should still hold its session.
SELECT EXISTS (SELECT FROM ingest_worker WHERE worker_id = $1 AND canary_at IS NOT NULL);

-- name: worker_filters
-- The topic filters that this worker's session may have.
SELECT filters FROM ingest_worker WHERE worker_id = $1;

-- name: begin_worker
-- Before it connects: the session may have these filters from now on.
INSERT INTO ingest_worker (worker_id, seen_at, filters) VALUES ($1, clock_timestamp(), $2)
ON CONFLICT (worker_id) DO UPDATE SET filters = excluded.filters;

-- name: worker_canary
-- The canary that this worker committed last.
SELECT canary_at FROM ingest_worker WHERE worker_id = $1;

-- name: forget_worker
-- Its session was drained and removed: nothing is held for it any more.
DELETE FROM ingest_worker WHERE worker_id = $1;

-- name: workers
-- Every worker id whose session the broker may hold; how long ago its last canary was committed, if ever one was.
SELECT worker_id, CASE WHEN canary_at IS NOT NULL THEN extract(epoch FROM clock_timestamp() - seen_at)::double precision END,
       stopped_at IS NOT NULL, filters
FROM ingest_worker ORDER BY worker_id;

-- name: end_predecessor
-- Ends the session that this very process lost the connection to, and whose worker lock the server still holds.
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.pid = $1 AND a.application_name = $2
  AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted);

-- name: broker_drops
-- Notes the broker's counter of dropped messages; returns how many were dropped since the last look. A counter that went
-- back began anew. The first look of all has nothing to compare with.
WITH before AS (
    SELECT counter FROM broker_drops WHERE broker = $1 FOR UPDATE
), since AS (
    SELECT coalesce((SELECT $2::bigint - CASE WHEN $2 >= counter THEN counter ELSE 0 END FROM before), 0) AS n
)
INSERT INTO broker_drops AS d (broker, counter, dropped, dropped_last, dropped_at)
SELECT $1, $2, n, n, CASE WHEN n > 0 THEN clock_timestamp() END FROM since
ON CONFLICT (broker) DO UPDATE SET
    counter = excluded.counter,
    dropped = d.dropped + excluded.dropped,
    dropped_last = CASE WHEN excluded.dropped > 0 THEN excluded.dropped ELSE d.dropped_last END,
    dropped_at = coalesce(excluded.dropped_at, d.dropped_at)
RETURNING (SELECT n FROM since);
