-- name: try_lock
-- Held by the publisher that drives the signs; the others stand by.
SELECT pg_try_advisory_lock($1);

-- name: highest
-- For each of the given signs the highest sequence ever recorded, and the word that was said last within a day before it.
SELECT wanted.sign_id, last.sequence, said.state,
       extract(epoch FROM clock_timestamp() - said.sent_at)::double precision AS age_s
FROM unnest($1::text[]) AS wanted (sign_id)
CROSS JOIN LATERAL (
    SELECT f.sequence FROM sign_frame AS f WHERE f.sign_id = wanted.sign_id ORDER BY f.sequence DESC LIMIT 1
) AS last
LEFT JOIN LATERAL (
    SELECT f.state, f.sent_at FROM sign_frame AS f
    WHERE f.sign_id = wanted.sign_id AND f.sequence > last.sequence - 86400000
      AND f.mode = 'auto' AND f.state <> 'UNKNOWN'
    ORDER BY f.sequence DESC LIMIT 1
) AS said ON true;

-- name: modes
-- What operators have set and what holds now, by the clock of the database alone.
SELECT sign_id, mode, legend_id FROM sign_mode WHERE expires_at > clock_timestamp();

-- name: record
-- One sent frame; $9 is the sequence of the re-send of the same content that it takes the place of, or NULL.
WITH replaced AS (DELETE FROM sign_frame WHERE sign_id = $1 AND sequence = $9)
INSERT INTO sign_frame (sign_id, sequence, issued_at, ttl_s, state, pages, versions, mode)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8);

-- name: newer
-- The newest frame of each of the given signs ($1) where it is newer than the one that is known ($2), and its age in
-- seconds: since it was recorded or since it was made, whichever clock says more.
SELECT f.sign_id, f.sequence, f.issued_at, f.ttl_s, f.state, f.pages, f.versions, f.mode,
    extract(epoch FROM clock_timestamp() - least(f.sent_at, f.issued_at))::double precision AS age_s
FROM unnest($1::text[], $2::bigint[]) AS wanted (sign_id, known)
CROSS JOIN LATERAL (
    SELECT * FROM sign_frame WHERE sign_id = wanted.sign_id AND sequence > wanted.known ORDER BY sequence DESC LIMIT 1
) AS f;
