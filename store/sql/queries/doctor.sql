-- name: server
-- What keeps commits safe, and how large the database is.
SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
       pg_database_size(current_database());

-- name: areas
-- Every area's log beside its engine: how old the watermark is, since when the engine has something to fold, and where the
-- log begins.
SELECT h.area, h.clock, extract(epoch FROM clock_timestamp() - h.watermark)::double precision,
       h.position - coalesce(g.position, 0),
       extract(epoch FROM clock_timestamp() - (
           SELECT b.committed_at FROM log_batch b
           WHERE b.area = h.area AND b.position = coalesce(g.position, 0) + 1
       ))::double precision,
       h.begins_at
FROM log_head h
LEFT JOIN generation g ON g.area = h.area AND g.status = 'live'
ORDER BY h.area;

-- name: quarantine
-- What did not become a reading lately and was not replayed since, by reason.
SELECT reason, sum(count)::bigint, count(DISTINCT device_id)
FROM quarantine WHERE last_seen > clock_timestamp() - interval '24 hours' AND replayed_at IS NULL
GROUP BY reason ORDER BY 2 DESC;

-- name: went_back
-- Devices that count their boots anew and were not registered as a new incarnation, the newest first: how many words of them
-- wait, and since when.
SELECT device_id, sum(count)::bigint, min(first_seen)
FROM quarantine
WHERE reason = 'boot_went_back' AND replayed_at IS NULL AND discarded_at IS NULL AND device_id IS NOT NULL
GROUP BY device_id ORDER BY max(last_seen) DESC, device_id;

-- name: outages
-- The outages that last.
SELECT o.area, o.sensors_of, o.began_at, o.sensors
FROM outage o JOIN generation g ON g.area = o.area AND g.generation = o.generation AND g.status = 'live'
WHERE o.ended_at IS NULL ORDER BY o.began_at, o.sensors_of;

-- name: broker_drops
-- The brokers that dropped messages between our looks, the newest first.
SELECT broker, dropped, dropped_last, dropped_at, dropped_at > clock_timestamp() - interval '24 hours'
FROM broker_drops WHERE dropped > 0 ORDER BY dropped_at DESC;

-- name: gaps
-- Holes of the sequence numbers seen, by life of a device: how many numbers are missing, in how many holes, the last hole, and
-- when the reading after it was received. The newest first.
SELECT g.device_id, g.incarnation, g.boot, g.missing, g.holes, lower(g.last), upper(g.last) - 1, r.received_at
FROM (
    SELECT d.device_id, d.incarnation, d.boot, sum(upper(hole) - lower(hole))::bigint AS missing, count(*) AS holes,
           (array_agg(hole ORDER BY hole DESC))[1] AS last
    FROM device_seen d,
         LATERAL unnest(int8multirange(range_merge(d.seen)) - d.seen) AS hole
    WHERE d.device_id = coalesce($1, d.device_id)
    GROUP BY d.device_id, d.incarnation, d.boot
) g
LEFT JOIN LATERAL (
    SELECT received_at FROM reading
    WHERE device_id = g.device_id AND incarnation = g.incarnation AND boot = g.boot AND seq = upper(g.last)
    LIMIT 1
) r ON true
ORDER BY r.received_at DESC NULLS LAST, g.device_id, g.incarnation DESC, g.boot DESC
LIMIT $2;

-- name: holes_of_device
-- Each hole of one device, the newest first: its life, first and last missing number, and when the reading after it came.
SELECT d.incarnation, d.boot, lower(hole), upper(hole) - 1, r.received_at
FROM device_seen d
CROSS JOIN LATERAL unnest(int8multirange(range_merge(d.seen)) - d.seen) AS hole
LEFT JOIN LATERAL (
    SELECT received_at FROM reading
    WHERE device_id = d.device_id AND incarnation = d.incarnation AND boot = d.boot AND seq = upper(hole)
    LIMIT 1
) r ON true
WHERE d.device_id = $1
ORDER BY d.incarnation DESC, d.boot DESC, hole DESC
LIMIT $2;

-- name: suspects
-- How many sensors of the live generations are not believed now, by area and why.
SELECT s.area, s.kind, count(DISTINCT s.device_id)
FROM suspicion s JOIN generation g ON g.area = s.area AND g.generation = s.generation AND g.status = 'live'
WHERE s.ended_at IS NULL GROUP BY s.area, s.kind ORDER BY s.area, s.kind;

-- name: learnt
-- The newest civil day of each live area on which something was learnt from those before it; NULL: none yet.
SELECT g.area, max(e.key)
FROM generation g LEFT JOIN log_entry e ON e.area = g.area AND e.kind = 'learnt'
WHERE g.status = 'live' GROUP BY g.area ORDER BY g.area;

-- name: reach
-- How far back each area's things are kept, and by which watermark that was seen to last; NULL: all of them.
SELECT h.area, r.ran_at, h.begins_at, h.kept_from, r.hours_from, r.slots_from
FROM log_head h LEFT JOIN retention r USING (area) ORDER BY h.area;

-- name: sizes
-- Tables that hold anything, the largest first: bytes with indexes, and what compression made of some of their chunks.
SELECT name, bytes, chunks, compressed_chunks, bytes_before, bytes_after FROM table_sizes() ORDER BY bytes DESC, name;

-- name: readbacks
-- What each sign of the registry said last of those that ever said anything.
SELECT s.sign_id, s.verdict, s.faults, s.last_at,
    clock_timestamp() - s.last_at > s.silent_after_s * interval '1 second' AS silent
FROM registry AS r
CROSS JOIN LATERAL (
    SELECT * FROM sign_shown WHERE sign_id = r.id ORDER BY first_at DESC LIMIT 1
) AS s
WHERE r.kind = 'sign'
ORDER BY s.sign_id;
