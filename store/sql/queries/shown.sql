-- name: frames_for
-- The newest frame sent to one sign, and the one with a sequence or else the last before it.
SELECT true AS newest, f.* FROM (
    SELECT sign_id, sequence, issued_at, ttl_s, state, pages, versions, mode
    FROM sign_frame WHERE sign_id = $1 ORDER BY sequence DESC LIMIT 1
) AS f
UNION ALL
SELECT false, f.* FROM (
    SELECT sign_id, sequence, issued_at, ttl_s, state, pages, versions, mode
    FROM sign_frame WHERE sign_id = $1 AND sequence <= $2::bigint ORDER BY sequence DESC LIMIT 1
) AS f;

-- name: record
-- One readback; it prolongs the run before it where it says the same and the sign was not silent in between.
WITH last AS (
    SELECT sign_id, first_at FROM sign_shown WHERE sign_id = $1 ORDER BY first_at DESC LIMIT 1
), prolonged AS (
    UPDATE sign_shown AS s
    SET last_at = greatest(s.last_at, clock_timestamp()), readbacks = s.readbacks + 1, sequence = $2, said_at = $6,
        silent_after_s = $9
    FROM last
    WHERE s.sign_id = last.sign_id AND s.first_at = last.first_at
      AND (s.state, s.pages, s.faults, s.verdict) IS NOT DISTINCT FROM ($3::text, $4::jsonb, $5::text[], $7::text)
      AND clock_timestamp() - s.last_at <= s.silent_after_s * interval '1 second'
    RETURNING s.sign_id
), now AS (
    SELECT clock_timestamp() AS at
)
INSERT INTO sign_shown (sign_id, first_at, last_at, sequence, state, pages, faults, said_at, verdict, via, silent_after_s)
SELECT $1, now.at, now.at, $2, $3, $4, $5, $6, $7, $8, $9 FROM now WHERE NOT EXISTS (SELECT FROM prolonged);

-- name: newest
-- What each of the given signs said last, none for a sign that never said anything.
SELECT s.sign_id, s.first_at, s.last_at, s.sequence, s.state, s.pages, s.faults, s.said_at, s.verdict,
    clock_timestamp() - s.last_at > s.silent_after_s * interval '1 second' AS silent
FROM unnest($1::text[]) AS wanted (sign_id)
CROSS JOIN LATERAL (
    SELECT * FROM sign_shown WHERE sign_id = wanted.sign_id ORDER BY first_at DESC LIMIT 1
) AS s;
