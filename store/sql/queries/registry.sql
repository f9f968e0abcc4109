-- name: load
-- The registry of one area, or of all of them.
SELECT kind, id, area, doc
FROM registry
WHERE $1::text IS NULL OR area = $1
ORDER BY area, kind, id;

-- name: entered
-- What the log has of one document, as it was entered; no document: it was removed.
SELECT e.area, b.position, e.entered_at, e.entered_by, e.doc
FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.kind = 'registry' AND e.key = $1
ORDER BY e.batch_id DESC, e.ordinal DESC LIMIT $2;

-- name: lock
-- Registry writers wait for each other, since each checks the whole; readers wait for nobody.
LOCK TABLE registry IN SHARE ROW EXCLUSIVE MODE;

-- name: areas_of
-- Which area each of the given documents belongs to now.
SELECT r.kind, r.id, r.area
FROM registry r
JOIN unnest($1::text[], $2::text[]) AS wanted (kind, id) USING (kind, id);

-- name: put
-- Writes documents of one area as a batch of its log left them.
INSERT INTO registry (kind, id, area, doc, batch_id)
SELECT changed.kind, changed.id, $1, changed.doc::jsonb, $2
FROM unnest($3::text[], $4::text[], $5::text[]) AS changed (kind, id, doc)
ON CONFLICT (kind, id) DO UPDATE SET doc = EXCLUDED.doc, batch_id = EXCLUDED.batch_id;

-- name: drop
-- Takes documents out.
DELETE FROM registry r
USING unnest($1::text[], $2::text[]) AS gone (kind, id)
WHERE r.kind = gone.kind AND r.id = gone.id;

-- name: notify
-- A hint for whoever keeps registries in memory.
SELECT pg_notify('baycast_registry', $1);
