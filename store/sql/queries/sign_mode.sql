-- name: put
-- Sets the mode of a sign in place of the one before.
INSERT INTO sign_mode (sign_id, area, mode, legend_id, reason, set_by, set_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (sign_id) DO UPDATE
SET area = EXCLUDED.area, mode = EXCLUDED.mode, legend_id = EXCLUDED.legend_id, reason = EXCLUDED.reason,
    set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at, expires_at = EXCLUDED.expires_at;

-- name: load
-- The modes that were set last: of the signs of one area, or of all of them.
SELECT sign_id, area, mode, legend_id, reason, set_by, set_at, expires_at
FROM sign_mode
WHERE $1::text IS NULL OR area = $1
ORDER BY area, sign_id;

-- name: find
-- The mode that was set last for one sign.
SELECT sign_id, area, mode, legend_id, reason, set_by, set_at, expires_at
FROM sign_mode
WHERE sign_id = $1;
