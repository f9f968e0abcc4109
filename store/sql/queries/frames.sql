-- name: highest
-- The highest sequence ever recorded for each of the given signs.
SELECT wanted.sign_id, last.sequence
FROM unnest($1::text[]) AS wanted (sign_id)
CROSS JOIN LATERAL (
    SELECT f.sequence FROM sign_frame AS f WHERE f.sign_id = wanted.sign_id ORDER BY f.sequence DESC LIMIT 1
) AS last;

-- name: record
-- One sent frame; $8 is the sequence of the re-send of the same content that it takes the place of, or NULL.
WITH replaced AS (DELETE FROM sign_frame WHERE sign_id = $1 AND sequence = $8)
INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb);

-- name: latest
-- The newest frame sent to one sign.
SELECT sign_id, sequence, issued_at, ttl_s, state, pages, versions, sent_at
FROM sign_frame
WHERE sign_id = $1
ORDER BY sequence DESC
LIMIT 1;
