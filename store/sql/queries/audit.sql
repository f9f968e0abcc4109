-- name: append
-- One entry; its place, its time and its hash are the database's.
INSERT INTO audit_entry (who, action, areas, subject, doc) VALUES ($1, $2, $3::text[], $4, $5::jsonb);

-- name: page
-- The newest entries first, before one: those that concern no area but the ones given (NULL: every entry), of one action or of any.
SELECT seq, at, who, action, areas, subject, doc
FROM audit_entry
WHERE ($1::text[] IS NULL OR areas <@ $1) AND ($2::bigint IS NULL OR seq < $2) AND ($3::text IS NULL OR action = $3)
ORDER BY seq DESC LIMIT $4;

-- name: chain
-- Entries after one as their hashes cover them.
SELECT seq, at, who, action, to_json(areas)::text, subject, doc::text, hash
FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: beyond
-- Entries at a place that no entry can have.
SELECT count(*) FROM audit_entry WHERE seq < 1;

-- name: head
-- The end of the chain.
SELECT seq, hash FROM audit_head;
