-- name: ensure_live
-- The first generation of an area.
INSERT INTO generation (area, generation, status, engine_version)
SELECT $1, 1, 'live', $2 WHERE NOT EXISTS (SELECT FROM generation WHERE area = $1)
ON CONFLICT DO NOTHING;

-- name: live_engine_version
-- The version of the engine that folded the rows which answers come from.
SELECT engine_version FROM generation WHERE area = $1 AND status = 'live';

-- name: live_generation
-- The generation that answers come from, with its cursor.
SELECT generation, position, watermark, version, begins_at, kept_from FROM generation WHERE area = $1 AND status = 'live';

-- name: start_building
-- A new generation beside the live one, whose cursor is at a position with its watermark.
INSERT INTO generation (area, generation, status, engine_version, position, watermark, version, begins_at, kept_from)
SELECT $1, max(g.generation) + 1, 'building', $2, $3, $4, least($3, max(g.version) FILTER (WHERE g.status = 'live')),
       (SELECT begins_at FROM log_head WHERE area = $1), (SELECT kept_from FROM log_head WHERE area = $1)
FROM generation g WHERE g.area = $1 HAVING count(*) > 0
RETURNING generation;

-- name: generation_cursor
-- One generation's cursor.
SELECT generation, position, watermark, version, begins_at, kept_from FROM generation WHERE area = $1 AND generation = $2;

-- name: lock_live
-- Holds the live generation still for a switch.
SELECT generation, position FROM generation WHERE area = $1 AND status = 'live' FOR UPDATE;

-- name: retire
-- The generation that was live.
UPDATE generation SET status = 'retired' WHERE area = $1 AND generation = $2;

-- name: promote
-- The generation that answers come from now.
UPDATE generation SET status = 'live' WHERE area = $1 AND generation = $2 AND status = 'building';

-- name: retired_generations
-- Generations whose rows may go: replaced, or left behind by a rebuild that did not finish.
SELECT generation FROM generation WHERE area = $1 AND status <> 'live' AND generation <> $2 ORDER BY generation;

-- name: drop_generation
-- The generation's own row, after its rows.
DELETE FROM generation WHERE area = $1 AND generation = $2 AND status <> 'live';

-- name: move_cursor
-- Compare-and-swap: whoever finds no row has lost the race and must load again.
UPDATE generation SET position = $4, watermark = $5, version = $6
WHERE area = $1 AND generation = $2 AND position = $3 AND (begins_at, kept_from) IS NOT DISTINCT FROM ($7::timestamptz, $8::timestamptz)
  AND status IN ('live', 'building');

-- name: notify_feed
-- A hint for the followers; their cursor is the truth.
SELECT pg_notify('baycast_feed', $1);

-- name: registry_at
-- The registry and the overrides as the log has them at a position.
SELECT DISTINCT ON (e.kind, e.key) e.kind, e.key, e.doc
FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind IN ('registry', 'override') AND b.position <= $2
ORDER BY e.kind, e.key, b.position DESC, e.ordinal DESC;

-- name: try_engine_lock
-- Held by the engine that works; the others stand by.
SELECT pg_try_advisory_lock($1);

-- name: try_rebuild_lock
-- One rebuild of an area at a time; held until it is done or the session ends.
SELECT pg_try_advisory_lock($1, hashtext($2));

-- name: release_rebuild_lock
-- The rebuild is done.
SELECT pg_advisory_unlock($1, hashtext($2));

-- name: position_before
-- The newest position of an area's log whose watermark is older than $2 seconds before the newest; null for none.
SELECT max(b.position) FROM log_head h JOIN log_batch b USING (area)
WHERE h.area = $1 AND b.watermark <= h.watermark - make_interval(secs => $2);
