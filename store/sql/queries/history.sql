-- name: sums
-- Hours of some series summed up by civil hour, day, week or month; what is final and what is not, from where each is.
-- $13: of all values together; $14 to $16: what comes after a scope, a value and a period.
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $13 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
      AND ($14::text IS NULL OR scope_id >= $14)
), found AS (
    SELECT s.scope_id, s.value, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.usable_us, f.some_free_us,
        f.all_taken_us, f.arrivals, f.departures, f.censored, f.over_candidates, f.over_confirmed, f.over_s, true AS final, f.revision
    FROM series s JOIN history_final f USING (series_id) WHERE f.hour_at >= $6 AND f.hour_at < $7
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us, h.some_free_us,
        h.all_taken_us, h.arrivals, h.departures, h.censored, h.over_candidates, h.over_confirmed, h.over_s, false, 0
    FROM series s JOIN history_hour h USING (series_id)
    WHERE h.generation = (SELECT generation FROM generation WHERE area = $1 AND status = 'live') AND h.hour_at >= $6 AND h.hour_at < $7
)
SELECT scope_id, value, date_trunc($8, hour_at, $9) AS start, count(DISTINCT hour_at) AS hours, sum(in_service_us)::bigint AS in_service_us,
    sum(free_us)::bigint AS free_us, sum(occupied_us)::bigint AS occupied_us, sum(closed_us)::bigint AS closed_us,
    sum(usable_us)::bigint AS usable_us, sum(some_free_us)::bigint AS some_free_us, sum(all_taken_us)::bigint AS all_taken_us,
    sum(arrivals) AS arrivals, sum(departures) AS departures, sum(censored) AS censored, sum(over_candidates) AS over_candidates,
    sum(over_confirmed) AS over_confirmed, sum(over_s)::bigint AS over_s, bool_and(final) AS final, max(revision) AS revision
FROM found
WHERE ($10::integer[] IS NULL OR extract(hour FROM hour_at AT TIME ZONE $9)::integer = ANY($10))
  AND ($11::integer[] IS NULL OR extract(isodow FROM hour_at AT TIME ZONE $9)::integer - 1 = ANY($11))
  AND ($12::date[] IS NULL OR (hour_at AT TIME ZONE $9)::date = ANY($12))
GROUP BY scope_id, value, date_trunc($8, hour_at, $9)
HAVING $14::text IS NULL OR (scope_id, value, date_trunc($8, hour_at, $9)) > ($14, $15::text, $16::timestamptz)
ORDER BY scope_id, value, start;

-- name: profile
-- The same, summed up by the hour of the civil week: 0 is Monday from midnight to one.
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $10 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
), found AS (
    SELECT s.scope_id, s.value, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.usable_us, f.some_free_us,
        f.all_taken_us, f.arrivals, f.departures, f.censored, f.over_candidates, f.over_confirmed, f.over_s, true AS final, f.revision
    FROM series s JOIN history_final f USING (series_id) WHERE f.hour_at >= $6 AND f.hour_at < $7
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us, h.some_free_us,
        h.all_taken_us, h.arrivals, h.departures, h.censored, h.over_candidates, h.over_confirmed, h.over_s, false, 0
    FROM series s JOIN history_hour h USING (series_id)
    WHERE h.generation = (SELECT generation FROM generation WHERE area = $1 AND status = 'live') AND h.hour_at >= $6 AND h.hour_at < $7
)
SELECT scope_id, value,
    ((extract(isodow FROM hour_at AT TIME ZONE $8) - 1) * 24 + extract(hour FROM hour_at AT TIME ZONE $8))::integer AS hour_of_week,
    count(DISTINCT hour_at) AS hours, sum(in_service_us)::bigint AS in_service_us,
    sum(free_us)::bigint AS free_us, sum(occupied_us)::bigint AS occupied_us, sum(closed_us)::bigint AS closed_us,
    sum(usable_us)::bigint AS usable_us, sum(some_free_us)::bigint AS some_free_us, sum(all_taken_us)::bigint AS all_taken_us,
    sum(arrivals) AS arrivals, sum(departures) AS departures, sum(censored) AS censored, sum(over_candidates) AS over_candidates,
    sum(over_confirmed) AS over_confirmed, sum(over_s)::bigint AS over_s, bool_and(final) AS final, max(revision) AS revision
FROM found
WHERE ($9::date[] IS NULL OR (hour_at AT TIME ZONE $8)::date = ANY($9))
GROUP BY scope_id, value, hour_of_week ORDER BY scope_id, value, hour_of_week;

-- name: lengths
-- Lengths of the stays that ended in the same hours: how many, in sum, the shares, and by class ($14: the last second of each).
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $13 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
), found AS (
    SELECT s.scope_id, s.value, f.hour_at, f.stays_s FROM series s JOIN history_final f USING (series_id)
    WHERE f.hour_at >= $6 AND f.hour_at < $7 AND f.stays_s <> '{}'
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.stays_s FROM series s JOIN history_hour h USING (series_id)
    WHERE h.generation = (SELECT generation FROM generation WHERE area = $1 AND status = 'live') AND h.hour_at >= $6 AND h.hour_at < $7
      AND h.stays_s <> '{}'
), lengths AS (
    SELECT scope_id, value, date_trunc($8, hour_at, $9) AS start, length_s
    FROM found CROSS JOIN LATERAL unnest(stays_s) AS length_s
    WHERE ($10::integer[] IS NULL OR extract(hour FROM hour_at AT TIME ZONE $9)::integer = ANY($10))
      AND ($11::integer[] IS NULL OR extract(isodow FROM hour_at AT TIME ZONE $9)::integer - 1 = ANY($11))
      AND ($12::date[] IS NULL OR (hour_at AT TIME ZONE $9)::date = ANY($12))
), classes AS (
    SELECT scope_id, value, start, array_agg(class) AS class, array_agg(stays) AS stays FROM (
        SELECT scope_id, value, start, width_bucket(length_s - 1, $14::integer[]) AS class, count(*) AS stays
        FROM lengths GROUP BY 1, 2, 3, 4
    ) AS counted GROUP BY scope_id, value, start
)
SELECT l.scope_id, l.value, l.start, count(*) AS stays, sum(l.length_s)::bigint AS sum_s,
    percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY l.length_s) AS shares, c.class, c.stays AS by_class
FROM lengths l JOIN classes c USING (scope_id, value, start)
WHERE $15::text IS NULL OR (l.scope_id, l.value, l.start) > ($15, $16::text, $17::timestamptz)
GROUP BY l.scope_id, l.value, l.start, c.class, c.stays ORDER BY l.scope_id, l.value, l.start;

-- name: peaks
-- Bay-microseconds occupied in the fullest five minutes of the same periods.
WITH series AS (
    SELECT series_id, scope_id, value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = 'all' AND ($3::text[] IS NULL OR scope_id = ANY($3))
), found AS (
    SELECT s.scope_id, s.value, f.hour_at, f.occupied_us FROM series s JOIN history_final_slots f USING (series_id)
    WHERE f.hour_at >= $4 AND f.hour_at < $5
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.occupied_us FROM series s JOIN history_slots h USING (series_id)
    WHERE h.generation = (SELECT generation FROM generation WHERE area = $1 AND status = 'live') AND h.hour_at >= $4 AND h.hour_at < $5
)
SELECT scope_id, value, date_trunc($6, hour_at, $7) AS start, max(greatest(occupied_us[1], occupied_us[2], occupied_us[3],
    occupied_us[4], occupied_us[5], occupied_us[6], occupied_us[7], occupied_us[8], occupied_us[9], occupied_us[10],
    occupied_us[11], occupied_us[12])) AS peak_us
FROM found
WHERE ($8::integer[] IS NULL OR extract(hour FROM hour_at AT TIME ZONE $7)::integer = ANY($8))
  AND ($9::integer[] IS NULL OR extract(isodow FROM hour_at AT TIME ZONE $7)::integer - 1 = ANY($9))
  AND ($10::date[] IS NULL OR (hour_at AT TIME ZONE $7)::date = ANY($10))
GROUP BY scope_id, value, date_trunc($6, hour_at, $7)
HAVING $11::text IS NULL OR (scope_id, value, date_trunc($6, hour_at, $7)) > ($11, $12::text, $13::timestamptz)
ORDER BY scope_id, value, start;

-- name: slots
-- Five minutes, or several of them ($6 minutes), of all bays of some series.
WITH series AS (
    SELECT series_id, scope_id, value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = 'all' AND ($3::text[] IS NULL OR scope_id = ANY($3))
      AND ($11::text IS NULL OR scope_id >= $11)
), found AS (
    SELECT s.scope_id, s.value, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures,
        true AS final, r.revision
    FROM series s JOIN history_final_slots f USING (series_id) JOIN history_final r USING (series_id, hour_at)
    WHERE f.hour_at >= $4 AND f.hour_at < $5
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.arrivals, h.departures,
        false, 0
    FROM series s JOIN history_slots h USING (series_id)
    WHERE h.generation = (SELECT generation FROM generation WHERE area = $1 AND status = 'live') AND h.hour_at >= $4 AND h.hour_at < $5
)
SELECT f.scope_id, f.value, f.hour_at + make_interval(mins => ((s.number - 1) * 5 / $6 * $6)::integer) AS start,
    sum(s.in_service_us)::bigint AS in_service_us, sum(s.free_us)::bigint AS free_us, sum(s.occupied_us)::bigint AS occupied_us,
    sum(s.closed_us)::bigint AS closed_us, sum(s.arrivals) AS arrivals, sum(s.departures) AS departures,
    max(s.occupied_us) AS peak_us, bool_and(f.final) AS final, max(f.revision) AS revision
FROM found f CROSS JOIN LATERAL unnest(f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures)
    WITH ORDINALITY AS s (in_service_us, free_us, occupied_us, closed_us, arrivals, departures, number)
WHERE ($7::integer[] IS NULL OR extract(hour FROM f.hour_at AT TIME ZONE $8)::integer = ANY($7))
  AND ($9::integer[] IS NULL OR extract(isodow FROM f.hour_at AT TIME ZONE $8)::integer - 1 = ANY($9))
  AND ($10::date[] IS NULL OR (f.hour_at AT TIME ZONE $8)::date = ANY($10))
  AND ($11::text IS NULL OR (f.scope_id, f.hour_at + make_interval(mins => ((s.number - 1) * 5 / $6 * $6)::integer)) > ($11, $12::timestamptz))
GROUP BY f.scope_id, f.value, start ORDER BY f.scope_id, f.value, start;

-- name: final_to
-- Up to when an area's hours are records, and up to when there are any.
SELECT (SELECT final_to FROM history_finality WHERE area = $1),
       (SELECT watermark FROM generation WHERE area = $1 AND status = 'live');

-- name: revisions
-- How many revisions there are of an area's hours in a stretch of time: another number, another history.
SELECT count(*) FROM history_revision r JOIN history_series s USING (series_id)
WHERE s.area = $1 AND r.hour_at >= $2 AND r.hour_at < $3;
