-- name: hours
-- Hours of some series, each by itself. $1 to $5: the series. $6, $7: the stretch of time; $8: the live generation, $9: the time
-- zone. $10 to $12: civil hours, days of the week and dates; $13 to $15: what comes after a scope, a value and an hour; $16: with the
-- lengths of the stays that ended.
SELECT s.scope_id, s.value, date_trunc('hour', h.hour_at, $9) AS start, (NOT h.void)::integer AS hours, h.in_service_us, h.free_us, h.occupied_us,
    h.closed_us, h.usable_us, h.some_free_us, h.all_taken_us, h.peak_us, h.arrivals, h.departures, h.censored, h.over_candidates,
    h.over_confirmed, h.over_s, h.final, h.revision, h.stays_sum_s, CASE WHEN $16 THEN h.stay_min END AS stay_min,
    CASE WHEN $16 THEN h.stay_count END AS stay_count
FROM (
    SELECT series_id, scope_id, value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
      AND ($13::text IS NULL OR scope_id >= $13)
) AS s JOIN history_known h USING (series_id)
WHERE h.generation IN (0, $8) AND h.hour_at >= $6 AND h.hour_at < $7
  AND ($10::integer[] IS NULL OR extract(hour FROM h.hour_at AT TIME ZONE $9)::integer = ANY($10))
  AND ($11::integer[] IS NULL OR extract(isodow FROM h.hour_at AT TIME ZONE $9)::integer - 1 = ANY($11))
  AND ($12::date[] IS NULL OR (h.hour_at AT TIME ZONE $9)::date = ANY($12))
  AND ($13::text IS NULL OR (s.scope_id, s.value, date_trunc('hour', h.hour_at, $9)) > ($13, $14::text, $15::timestamptz))
ORDER BY s.scope_id, s.value, h.hour_at;

-- name: sums
-- Hours of some series, and days of which there are rows, summed up by civil hour, day, week or month; what is final and what is
-- not, from where each is. $1 to $5: the series, $6: all values together. $7, $8: the stretch of time, of which [$9, $10) is read
-- from rows of days; $11: the live generation. $12, $13: what a period is, in what time zone. $14 to $16: civil hours, days of
-- the week and dates; $17 to $19: what comes after a scope, a value and a period.
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $6 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
      AND ($17::text IS NULL OR scope_id >= $17)
), found AS (
    SELECT s.scope_id, s.value, d.day_at AS at, d.hours, d.in_service_us, d.free_us, d.occupied_us, d.closed_us, d.usable_us,
        d.some_free_us, d.all_taken_us, d.peak_us, d.arrivals, d.departures, d.censored, d.over_candidates, d.over_confirmed, d.over_s,
        true AS final, d.revision
    FROM series s JOIN history_day d USING (series_id) WHERE d.day_at >= $9 AND d.day_at < $10
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, (NOT h.void)::integer, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us,
        h.some_free_us, h.all_taken_us, h.peak_us, h.arrivals, h.departures, h.censored, h.over_candidates, h.over_confirmed, h.over_s,
        h.final, h.revision
    FROM series s JOIN history_known h USING (series_id)
    WHERE h.generation IN (0, $11) AND h.hour_at >= $7 AND h.hour_at < $9
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, (NOT h.void)::integer, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us,
        h.some_free_us, h.all_taken_us, h.peak_us, h.arrivals, h.departures, h.censored, h.over_candidates, h.over_confirmed, h.over_s,
        h.final, h.revision
    FROM series s JOIN history_known h USING (series_id)
    WHERE h.generation IN (0, $11) AND h.hour_at >= $10 AND h.hour_at < $8
), moments AS (
    SELECT scope_id, value, at, bit_or(hours) AS hours, sum(in_service_us)::bigint AS in_service_us, sum(free_us)::bigint AS free_us,
        sum(occupied_us)::bigint AS occupied_us, sum(closed_us)::bigint AS closed_us, sum(usable_us)::bigint AS usable_us,
        sum(some_free_us)::bigint AS some_free_us, sum(all_taken_us)::bigint AS all_taken_us, max(peak_us) AS peak_us,
        sum(arrivals) AS arrivals, sum(departures) AS departures, sum(censored) AS censored, sum(over_candidates) AS over_candidates,
        sum(over_confirmed) AS over_confirmed, sum(over_s)::bigint AS over_s, bool_and(final) AS final, max(revision) AS revision
    FROM found
    WHERE ($14::integer[] IS NULL OR extract(hour FROM at AT TIME ZONE $13)::integer = ANY($14))
      AND ($15::integer[] IS NULL OR extract(isodow FROM at AT TIME ZONE $13)::integer - 1 = ANY($15))
      AND ($16::date[] IS NULL OR (at AT TIME ZONE $13)::date = ANY($16))
    GROUP BY scope_id, value, at
)
SELECT scope_id, value, date_trunc($12, at, $13) AS start, sum(bit_count(hours::bit(32)))::bigint AS hours,
    sum(in_service_us)::bigint AS in_service_us, sum(free_us)::bigint AS free_us, sum(occupied_us)::bigint AS occupied_us,
    sum(closed_us)::bigint AS closed_us, sum(usable_us)::bigint AS usable_us, sum(some_free_us)::bigint AS some_free_us,
    sum(all_taken_us)::bigint AS all_taken_us, max(peak_us) AS peak_us, sum(arrivals)::bigint AS arrivals,
    sum(departures)::bigint AS departures, sum(censored)::bigint AS censored, sum(over_candidates)::bigint AS over_candidates,
    sum(over_confirmed)::bigint AS over_confirmed, sum(over_s)::bigint AS over_s, bool_and(final) AS final, max(revision) AS revision
FROM moments
GROUP BY scope_id, value, date_trunc($12, at, $13)
HAVING $17::text IS NULL OR (scope_id, value, date_trunc($12, at, $13)) > ($17, $18::text, $19::timestamptz)
ORDER BY scope_id, value, start;

-- name: lengths
-- Lengths of the stays that ended in the same hours and days, as they are kept: parts of the periods. $1 to $19 as above.
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $6 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
      AND ($17::text IS NULL OR scope_id >= $17)
), found AS (
    SELECT s.scope_id, s.value, d.day_at AS at, d.stay_min, d.stay_count, d.stays_sum_s
    FROM series s JOIN history_day d USING (series_id) WHERE d.day_at >= $9 AND d.day_at < $10
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.stay_min, h.stay_count, h.stays_sum_s FROM series s JOIN history_known h USING (series_id)
    WHERE h.generation IN (0, $11) AND h.hour_at >= $7 AND h.hour_at < $9
    UNION ALL
    SELECT s.scope_id, s.value, h.hour_at, h.stay_min, h.stay_count, h.stays_sum_s FROM series s JOIN history_known h USING (series_id)
    WHERE h.generation IN (0, $11) AND h.hour_at >= $10 AND h.hour_at < $8
)
SELECT scope_id, value, date_trunc($12, at, $13) AS start, stay_min, stay_count, stays_sum_s
FROM found
WHERE stay_min <> '{}'
  AND ($14::integer[] IS NULL OR extract(hour FROM at AT TIME ZONE $13)::integer = ANY($14))
  AND ($15::integer[] IS NULL OR extract(isodow FROM at AT TIME ZONE $13)::integer - 1 = ANY($15))
  AND ($16::date[] IS NULL OR (at AT TIME ZONE $13)::date = ANY($16))
  AND ($17::text IS NULL OR (scope_id, value, date_trunc($12, at, $13)) > ($17, $18::text, $19::timestamptz))
ORDER BY scope_id, value, start;

-- name: profile
-- Hours summed up by the hour of the civil week: 0 is Monday from midnight to one. $1 to $6: the series, $7, $8: the stretch of time,
-- $9: the live generation; $10, $11: the time zone and civil dates; $12 to $14: what comes after a scope, a value and an hour of the week.
WITH series AS (
    SELECT series_id, scope_id, CASE WHEN $6 THEN '' ELSE value END AS value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = $3 AND ($4::text[] IS NULL OR scope_id = ANY($4)) AND ($5::text[] IS NULL OR value = ANY($5))
      AND ($12::text IS NULL OR scope_id >= $12)
)
SELECT s.scope_id, s.value, w.hour_of_week, count(DISTINCT h.hour_at) FILTER (WHERE NOT h.void) AS hours, sum(h.in_service_us)::bigint AS in_service_us,
    sum(h.free_us)::bigint AS free_us, sum(h.occupied_us)::bigint AS occupied_us, sum(h.closed_us)::bigint AS closed_us,
    sum(h.usable_us)::bigint AS usable_us, sum(h.some_free_us)::bigint AS some_free_us, sum(h.all_taken_us)::bigint AS all_taken_us,
    NULL::bigint AS peak_us, sum(h.arrivals) AS arrivals, sum(h.departures) AS departures, sum(h.censored) AS censored,
    sum(h.over_candidates) AS over_candidates, sum(h.over_confirmed) AS over_confirmed, sum(h.over_s)::bigint AS over_s,
    bool_and(h.final) AS final, max(h.revision) AS revision
FROM series s JOIN history_known h USING (series_id) CROSS JOIN LATERAL (
    SELECT ((extract(isodow FROM h.hour_at AT TIME ZONE $10) - 1) * 24 + extract(hour FROM h.hour_at AT TIME ZONE $10))::integer AS hour_of_week
) AS w
WHERE h.generation IN (0, $9) AND h.hour_at >= $7 AND h.hour_at < $8
  AND ($11::date[] IS NULL OR (h.hour_at AT TIME ZONE $10)::date = ANY($11))
GROUP BY s.scope_id, s.value, w.hour_of_week
HAVING $12::text IS NULL OR (s.scope_id, s.value, w.hour_of_week) > ($12, $13::text, $14::integer)
ORDER BY s.scope_id, s.value, w.hour_of_week;

-- name: slots
-- Five minutes, or several of them ($7 minutes), of all bays of some series, one series after the other: a year of them is
-- told while it is read. $4, $5: the stretch of time, $6: the live generation. $8 to $11: civil hours, time zone, days of the week and
-- dates; $12, $13: what comes after a scope and a beginning; $14: the hour that the stretch begins in.
SELECT s.scope_id, s.value, p.start, p.in_service_us, p.free_us, p.occupied_us, p.closed_us, p.arrivals, p.departures, p.peak_us,
    p.final, p.revision
FROM (
    SELECT series_id, scope_id, value FROM history_series
    WHERE area = $1 AND scope = $2 AND dim = 'all' AND ($3::text[] IS NULL OR scope_id = ANY($3)) AND ($12::text IS NULL OR scope_id >= $12)
    ORDER BY scope_id, value
) AS s CROSS JOIN LATERAL (
    SELECT f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures, true AS final, r.revision
    FROM history_final_slots f JOIN history_final r USING (series_id, hour_at)
    WHERE f.series_id = s.series_id AND f.hour_at >= $14 AND f.hour_at < $5 AND r.hour_at >= $14 AND r.hour_at < $5
    UNION ALL
    SELECT h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.arrivals, h.departures, false, 0
    FROM history_slots h WHERE h.series_id = s.series_id AND h.generation = $6 AND h.hour_at >= $14 AND h.hour_at < $5
) AS f CROSS JOIN LATERAL (
    SELECT f.hour_at + make_interval(mins => ((t.number - 1) * 5 / $7 * $7)::integer) AS start,
        sum(t.in_service_us)::bigint AS in_service_us, sum(t.free_us)::bigint AS free_us, sum(t.occupied_us)::bigint AS occupied_us,
        sum(t.closed_us)::bigint AS closed_us, sum(t.arrivals) AS arrivals, sum(t.departures) AS departures,
        max(t.occupied_us) AS peak_us, f.final, f.revision
    FROM unnest(f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures)
        WITH ORDINALITY AS t (in_service_us, free_us, occupied_us, closed_us, arrivals, departures, number)
    GROUP BY 1
) AS p
WHERE p.start >= $4 AND p.start < $5
  AND ($8::integer[] IS NULL OR extract(hour FROM f.hour_at AT TIME ZONE $9)::integer = ANY($8))
  AND ($10::integer[] IS NULL OR extract(isodow FROM f.hour_at AT TIME ZONE $9)::integer - 1 = ANY($10))
  AND ($11::date[] IS NULL OR (f.hour_at AT TIME ZONE $9)::date = ANY($11))
  AND ($12::text IS NULL OR (s.scope_id, p.start) > ($12, $13::timestamptz))
ORDER BY s.scope_id, s.value, p.start;

-- name: final_to
-- Up to when an area's hours are records, and up to when there are any.
SELECT (SELECT final_to FROM history_finality WHERE area = $1),
       (SELECT watermark FROM generation WHERE area = $1 AND status = 'live');

-- name: stored
-- The live generation of an area, and up to when the civil days of a time zone have rows.
SELECT (SELECT generation FROM generation WHERE area = $1 AND status = 'live'),
       (SELECT days_to FROM history_finality WHERE area = $1 AND days_zone = $2);

-- name: revisions
-- How many revisions there are of an area's hours in a stretch of time.
SELECT count(*) FROM history_revision r JOIN history_series s USING (series_id)
WHERE s.area = $1 AND r.hour_at >= $2 AND r.hour_at < $3;

-- name: mark
-- What is another whenever an area's records in a stretch of time are others: how many revisions there are, and when the last one came;
-- from when on records are kept; which engine makes them.
SELECT jsonb_build_array(count(*), max(r.replaced_at),
    (SELECT hours_from FROM retention WHERE area = $1), (SELECT slots_from FROM retention WHERE area = $1),
    (SELECT engine_version FROM generation WHERE area = $1 AND status = 'live'))::text
FROM history_revision r JOIN history_series s USING (series_id)
WHERE s.area = $1 AND r.hour_at >= $2 AND r.hour_at < $3;
