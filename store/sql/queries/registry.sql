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

-- name: page
-- Documents of some areas (NULL: of all), of one kind or any, by kind and id.
SELECT kind, id, area, batch_id, doc FROM registry
WHERE ($1::text[] IS NULL OR area = ANY($1)) AND ($2::text IS NULL OR kind = $2) AND (kind, id) > ($3::text, $4::text)
ORDER BY kind, id LIMIT $5;

-- name: document
-- One document, if it is of some areas (NULL: of any).
SELECT kind, id, area, batch_id, doc FROM registry
WHERE kind = $1 AND id = $2 AND ($3::text[] IS NULL OR area = ANY($3));

-- name: standing
-- Which area each of the given documents belongs to now, and the batch that made it what it is.
SELECT r.kind, r.id, r.area, r.batch_id
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
