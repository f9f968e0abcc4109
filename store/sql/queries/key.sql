-- name: lock
-- Who makes keys waits for the others, since their number is bounded.
LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE;

-- name: count
-- Keys that are not revoked, the expired ones included.
SELECT count(*) FROM api_key WHERE revoked_at IS NULL;

-- name: create
-- A new key, without a secret yet.
INSERT INTO api_key (label, scopes, areas, made_by, made_at, expires_at)
VALUES ($1, $2::text[], $3::text[], $4, $5, $6)
RETURNING id;

-- name: add_secret
-- A secret of a key, by its hash.
INSERT INTO api_key_secret (digest, key_id, made_at) VALUES ($1, $2, $3);

-- name: end_secrets
-- The secrets that a key has so far end then, unless they end before.
UPDATE api_key_secret SET valid_until = least(valid_until, $2) WHERE key_id = $1;

-- name: revoke
-- Ends a key for good.
UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL;

-- name: find
-- One key, locked.
SELECT id, label, scopes, areas, made_by, made_at, expires_at, revoked_at, last_used_at
FROM api_key WHERE id = $1 FOR UPDATE;

-- name: page
-- Keys bound to no area but those given (NULL: every key), by id.
SELECT id, label, scopes, areas, made_by, made_at, expires_at, revoked_at, last_used_at
FROM api_key
WHERE ($1::text[] IS NULL OR areas <@ $1) AND id > $2
ORDER BY id LIMIT $3;

-- name: valid
-- Every secret that opens anything at the instant or later.
SELECT s.digest, k.id, k.label, k.scopes, k.areas, least(k.expires_at, s.valid_until) AS ends_at
FROM api_key_secret s
JOIN api_key k ON k.id = s.key_id
WHERE k.revoked_at IS NULL AND coalesce(least(k.expires_at, s.valid_until) > $1, true);

-- name: used
-- When keys were last used, to the minute; it never goes back.
UPDATE api_key k SET last_used_at = greatest(k.last_used_at, used.at)
FROM unnest($1::bigint[], $2::timestamptz[]) AS used (id, at)
WHERE k.id = used.id;

-- name: notify
-- A hint for whoever keeps keys in memory.
SELECT pg_notify('baycast_keys', '');
