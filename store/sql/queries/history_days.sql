-- name: kept
-- Up to when the civil days of an area have their rows, and by whose clock.
SELECT days_to, days_zone FROM history_finality WHERE area = $1;

-- name: first_record
-- The first hour of an area that is a record.
SELECT min(f.hour_at) FROM history_series s
CROSS JOIN LATERAL (SELECT hour_at FROM history_final WHERE series_id = s.series_id ORDER BY hour_at LIMIT 1) AS f
WHERE s.area = $1;

-- name: drop_all
-- The days of an area whose clock is another now.
DELETE FROM history_day d USING history_series s WHERE s.area = $1 AND d.series_id = s.series_id;

-- name: drop
-- Some days of some series (arrays), to be made anew.
DELETE FROM history_day d USING unnest($1::integer[], $2::timestamptz[]) AS w (series_id, day_at)
WHERE (d.series_id, d.day_at) = (w.series_id, w.day_at);

-- name: make
-- Days as the sums of their records; arrays of series, and of when each day begins and ends.
INSERT INTO history_day SELECT * FROM history_days_of($1, $2, $3);

-- name: keep
-- Up to when days have their rows, and by whose clock.
UPDATE history_finality SET days_to = $2, days_zone = $3 WHERE area = $1;

-- name: differing
-- Days that are others than their records say, or of which there are none; arrays as above.
SELECT s.scope, s.scope_id, s.dim, s.value, day_at
FROM (SELECT d.* FROM history_day d JOIN unnest($1::integer[], $2::timestamptz[]) AS w (series_id, day_at) USING (series_id, day_at)) AS kept
FULL JOIN history_days_of($1, $2, $3) AS made USING (series_id, day_at)
JOIN history_series s USING (series_id)
WHERE kept IS DISTINCT FROM made
ORDER BY day_at, s.scope, s.scope_id, s.dim, s.value;
