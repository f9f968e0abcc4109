-- name: server
-- What keeps commits safe, and how large the database is.
SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
       pg_database_size(current_database());

-- name: areas
-- Every area's log beside its engine: how old the watermark is, and since when the engine has something to fold.
SELECT h.area, h.clock, extract(epoch FROM clock_timestamp() - h.watermark)::double precision,
       h.position - coalesce(g.position, 0),
       extract(epoch FROM clock_timestamp() - (
           SELECT b.committed_at FROM log_batch b
           WHERE b.area = h.area AND b.position = coalesce(g.position, 0) + 1
       ))::double precision
FROM log_head h
LEFT JOIN generation g ON g.area = h.area AND g.status = 'live'
ORDER BY h.area;

-- name: quarantine
-- What did not become a reading lately and was not replayed since, by reason.
SELECT reason, sum(count)::bigint, count(DISTINCT device_id)
FROM quarantine WHERE last_seen > clock_timestamp() - interval '24 hours' AND replayed_at IS NULL
GROUP BY reason ORDER BY 2 DESC;
