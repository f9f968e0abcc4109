-- name: load
-- The overrides of one area, or of all of them, with who entered them and when.
SELECT id, area, doc, entered_by, entered_at
FROM override
WHERE $1::text IS NULL OR area = $1
ORDER BY area, id;

-- name: page
-- Overrides of some areas (NULL: of all), by id.
SELECT id, doc, entered_by, entered_at
FROM override
WHERE ($1::text[] IS NULL OR area = ANY($1)) AND id > $2
ORDER BY id LIMIT $3;

-- name: lock
-- Writers wait for each other, since an id stands alone; readers wait for nobody.
LOCK TABLE override IN SHARE ROW EXCLUSIVE MODE;

-- name: put
-- Writes an override as a batch of its area's log left it.
INSERT INTO override (id, area, doc, batch_id, entered_by, entered_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE
SET doc = EXCLUDED.doc, batch_id = EXCLUDED.batch_id, entered_by = EXCLUDED.entered_by, entered_at = EXCLUDED.entered_at;

-- name: drop
-- Takes an override out.
DELETE FROM override WHERE id = $1;
