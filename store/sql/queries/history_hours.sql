-- name: all_series
-- The numbers of all series of an area.
SELECT scope, scope_id, dim, value, series_id FROM history_series WHERE area = $1;

-- name: series
-- The numbers of some series of an area.
SELECT scope, scope_id, dim, value, series_id FROM history_series
WHERE area = $1 AND (scope, scope_id, dim, value) IN (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]));

-- name: new_series
-- Numbers for series that have none.
INSERT INTO history_series (area, scope, scope_id, dim, value)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
ON CONFLICT DO NOTHING;

-- name: cut
-- Hours of some zones, each in [start, until), with what they are made of by five minutes. Looked up series by series,
-- which OFFSET 0 enforces: of a generation that is being built nobody knows yet how large it is.
WITH own AS (
    SELECT s.series_id, c.start, c.until
    FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS c (zone_id, start, until)
    JOIN history_series s ON s.area = $1 AND s.scope = 'zone' AND s.scope_id = c.zone_id
), slots AS (
    DELETE FROM history_slots WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM own CROSS JOIN LATERAL (
            SELECT h.ctid FROM history_slots h
            WHERE h.series_id = own.series_id AND h.generation = $2 AND h.hour_at >= own.start AND h.hour_at < own.until OFFSET 0
        ) AS t
    ))
), hours AS (
    DELETE FROM history_hour WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM own CROSS JOIN LATERAL (
            SELECT h.ctid FROM history_hour h
            WHERE h.series_id = own.series_id AND h.generation = $2 AND h.hour_at >= own.start AND h.hour_at < own.until OFFSET 0
        ) AS t
    ))
    RETURNING hour_at
)
SELECT DISTINCT hour_at FROM hours;

-- name: copy_hours
-- Hours in bulk.
COPY history_hour (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us, arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s) FROM STDIN (FORMAT BINARY);

-- name: copy_slots
-- Their five minutes in bulk.
COPY history_slots (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, arrivals, departures) FROM STDIN (FORMAT BINARY);

-- name: cut_sums
-- Some hours of some series.
WITH slots AS (
    DELETE FROM history_slots WHERE series_id = ANY($1::integer[]) AND generation = $2 AND hour_at = ANY($3::timestamptz[])
)
DELETE FROM history_hour WHERE series_id = ANY($1::integer[]) AND generation = $2 AND hour_at = ANY($3::timestamptz[]);

-- name: sum_slots
-- Some hours of wider series by five minutes, as the sums of others. Zones of which nothing is there as derived are taken from
-- the records; whether there is, is looked up by key, which OFFSET 0 enforces (see derived.cut_bay_intervals).
WITH part AS (
    SELECT * FROM unnest($3::integer[], $4::integer[]) AS p (whole, series_id)
), found AS (
    SELECT p.whole, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.arrivals, h.departures
    FROM part p JOIN history_slots h USING (series_id)
    WHERE h.generation = $1 AND h.hour_at = ANY($2::timestamptz[])
    UNION ALL
    SELECT p.whole, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures
    FROM part p JOIN history_final_slots f USING (series_id) JOIN history_series s USING (series_id)
    WHERE f.hour_at = ANY($5::timestamptz[]) AND NOT EXISTS (
        SELECT FROM history_series o JOIN history_slots h ON h.series_id = o.series_id
        WHERE (o.area, o.scope, o.scope_id) = (s.area, s.scope, s.scope_id) AND (h.generation, h.hour_at) = ($1, f.hour_at) OFFSET 0)
), slots AS (
    SELECT f.whole, f.hour_at, s.number, sum(s.in_service_us)::bigint AS in_service_us, sum(s.free_us)::bigint AS free_us,
        sum(s.occupied_us)::bigint AS occupied_us, sum(s.closed_us)::bigint AS closed_us,
        sum(s.arrivals)::integer AS arrivals, sum(s.departures)::integer AS departures
    FROM found f CROSS JOIN LATERAL unnest(f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures)
        WITH ORDINALITY AS s (in_service_us, free_us, occupied_us, closed_us, arrivals, departures, number)
    GROUP BY f.whole, f.hour_at, s.number
)
INSERT INTO history_slots (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, arrivals, departures)
SELECT whole, $1, hour_at, array_agg(in_service_us ORDER BY number), array_agg(free_us ORDER BY number),
    array_agg(occupied_us ORDER BY number), array_agg(closed_us ORDER BY number), array_agg(arrivals ORDER BY number),
    array_agg(departures ORDER BY number)
FROM slots GROUP BY whole, hour_at;

-- name: sum_hours
-- Some hours of wider series as the sums of others, with the peaks of their five minutes, which are there already. Zones of
-- which nothing is there as derived are taken from the records.
WITH part AS (
    SELECT * FROM unnest($3::integer[], $4::integer[]) AS p (whole, series_id)
), found AS (
    SELECT p.whole, k.* FROM part p JOIN history_known k USING (series_id)
    WHERE k.generation = $1 AND k.hour_at = ANY($2::timestamptz[])
    UNION ALL
    SELECT p.whole, k.* FROM part p JOIN history_known k USING (series_id) JOIN history_series s USING (series_id)
    WHERE k.generation = 0 AND NOT k.void AND k.hour_at = ANY($5::timestamptz[]) AND NOT EXISTS (
        SELECT FROM history_series o JOIN history_hour h ON h.series_id = o.series_id
        WHERE (o.area, o.scope, o.scope_id) = (s.area, s.scope, s.scope_id) AND (h.generation, h.hour_at) = ($1, k.hour_at) OFFSET 0)
), lengths AS (
    SELECT whole, hour_at, array_agg(minute ORDER BY minute) AS stay_min, array_agg(stays ORDER BY minute) AS stay_count FROM (
        SELECT f.whole, f.hour_at, u.minute, sum(u.stays)::integer AS stays
        FROM found f CROSS JOIN LATERAL unnest(f.stay_min, f.stay_count) AS u (minute, stays)
        GROUP BY f.whole, f.hour_at, u.minute
    ) AS by_minute GROUP BY whole, hour_at
), sums AS (
    SELECT whole, hour_at, sum(in_service_us)::bigint AS in_service_us, sum(free_us)::bigint AS free_us,
        sum(occupied_us)::bigint AS occupied_us, sum(closed_us)::bigint AS closed_us, sum(usable_us)::bigint AS usable_us,
        sum(some_free_us)::bigint AS some_free_us, sum(all_taken_us)::bigint AS all_taken_us,
        sum(arrivals)::integer AS arrivals, sum(departures)::integer AS departures, sum(stays_sum_s)::bigint AS stays_sum_s,
        sum(censored)::integer AS censored, sum(over_candidates)::integer AS over_candidates,
        sum(over_confirmed)::integer AS over_confirmed, sum(over_s)::bigint AS over_s
    FROM found GROUP BY whole, hour_at
)
INSERT INTO history_hour (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us,
    some_free_us, all_taken_us, peak_us, arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates,
    over_confirmed, over_s)
SELECT s.whole, $1, s.hour_at, s.in_service_us, s.free_us, s.occupied_us, s.closed_us, s.usable_us, s.some_free_us,
    s.all_taken_us, (SELECT max(us) FROM unnest(t.occupied_us) AS us), s.arrivals, s.departures, coalesce(l.stay_min, '{}'),
    coalesce(l.stay_count, '{}'), s.stays_sum_s, s.censored, s.over_candidates, s.over_confirmed, s.over_s
FROM sums s LEFT JOIN lengths l USING (whole, hour_at)
LEFT JOIN history_slots t ON (t.series_id, t.generation, t.hour_at) = (s.whole, $1, s.hour_at);

-- name: intervals_in
-- What held at some bays and by whose word, each in one of some spans [start, until): the rows that begin there and the one
-- before, by bay as it was asked for. Many bays have few spans, which are therefore given once.
SELECT b.number, i.started_at, i.ended_at, i.state, i.device_id
FROM (SELECT u.bay_id, u.number, ($5::timestamptz[])[u.span] AS start, ($6::timestamptz[])[u.span] AS until
      FROM unnest($3::text[], $4::integer[]) WITH ORDINALITY AS u (bay_id, span, number)) AS b
CROSS JOIN LATERAL (
    (SELECT t.started_at, t.ended_at, t.state, t.device_id FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at < b.start
     ORDER BY t.started_at DESC LIMIT 1)
    UNION ALL
    (SELECT t.started_at, t.ended_at, t.state, t.device_id FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at >= b.start AND t.started_at < b.until)
) AS i
ORDER BY b.number, i.started_at;

-- name: stays_in
-- The stays of some bays that began in a span [start, until), and the one before, which may have ended there.
SELECT b.number, i.arrived_at, i.departed_at, i.arrival, i.departure, i.device_id
FROM (SELECT u.bay_id, u.number, ($5::timestamptz[])[u.span] AS start, ($6::timestamptz[])[u.span] AS until
      FROM unnest($3::text[], $4::integer[]) WITH ORDINALITY AS u (bay_id, span, number)) AS b
CROSS JOIN LATERAL (
    (SELECT t.arrived_at, t.departed_at, t.arrival, t.departure, t.device_id FROM stay t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.arrived_at < b.start
     ORDER BY t.arrived_at DESC LIMIT 1)
    UNION ALL
    (SELECT t.arrived_at, t.departed_at, t.arrival, t.departure, t.device_id FROM stay t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.arrived_at >= b.start AND t.arrived_at < b.until)
) AS i
ORDER BY b.number, i.arrived_at;

-- name: overstays_in
-- The overstays of some bays whose limit ran out in a span [start, until).
SELECT b.number, t.bay_id, t.arrived_at, t.device_id, t.rule_id, t.limit_min, t.grace_min, t.over_from, t.over_to,
    t.candidate_at, t.confirmed_at, t.ended_at, t.state
FROM (SELECT u.bay_id, u.number, ($5::timestamptz[])[u.span] AS start, ($6::timestamptz[])[u.span] AS until
      FROM unnest($3::text[], $4::integer[]) WITH ORDINALITY AS u (bay_id, span, number)) AS b
JOIN overstay t ON t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.over_from >= b.start AND t.over_from < b.until
ORDER BY b.number, t.over_from;

-- name: suspicions_in
-- When sensors at some bays were not to be believed, as far as it reaches into each bay's own span [start, until).
SELECT b.number, t.device_id, t.began_at, t.ended_at
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY AS b (bay_id, start, until, number)
JOIN suspicion t ON t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.began_at < b.until
  AND (t.ended_at IS NULL OR t.ended_at > b.start)
ORDER BY b.number, t.began_at;

-- name: stays_over
-- The stays of some bays, each that reaches into a stretch of time.
SELECT c.bay_id, t.arrived_at, t.departed_at
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS c (bay_id, start, until)
JOIN stay t ON t.area = $1 AND t.generation = $2 AND t.bay_id = c.bay_id AND t.arrived_at <= c.until
  AND (t.departed_at IS NULL OR t.departed_at >= c.start);

-- name: count_hours
-- How many hours of series a generation holds.
SELECT count(*) FROM history_hour h JOIN history_series s USING (series_id) WHERE s.area = $1 AND h.generation = $2;

-- name: differing
-- Hours that one generation ($3) has otherwise than they are stored, by themselves or by their five minutes: as records, or as derived
-- by another ($2). Compared are the hours of zones, and of what is wider, that it computed at all. From $4 on it computes every hour
-- that there is, so what it has nothing of should not be: unless the zone was taken out of the registry, whose records stay. $5 of
-- them at most, with how many there are.
WITH series AS (
    SELECT * FROM history_series WHERE area = $1
), fresh AS (
    SELECT h.* FROM history_hour h JOIN series USING (series_id) WHERE h.generation = $3
), stored AS (
    SELECT f.series_id, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.usable_us, f.some_free_us, f.all_taken_us, f.peak_us,
        f.arrivals, f.departures, f.stay_min, f.stay_count, f.stays_sum_s, f.censored, f.over_candidates, f.over_confirmed, f.over_s
    FROM history_final f JOIN series USING (series_id) WHERE NOT f.void
    UNION ALL
    SELECT h.series_id, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us, h.some_free_us, h.all_taken_us, h.peak_us,
        h.arrivals, h.departures, h.stay_min, h.stay_count, h.stays_sum_s, h.censored, h.over_candidates, h.over_confirmed, h.over_s
    FROM history_hour h JOIN series USING (series_id) WHERE h.generation = $2
), stored_slots AS (
    SELECT f.series_id, f.hour_at, f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures
    FROM history_final_slots f JOIN series USING (series_id)
    UNION ALL
    SELECT h.series_id, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.arrivals, h.departures
    FROM history_slots h JOIN series USING (series_id) WHERE h.generation = $2
), others AS (
    SELECT series_id, hour_at FROM fresh f FULL JOIN stored t USING (series_id, hour_at)
    WHERE (f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.usable_us, f.some_free_us, f.all_taken_us, f.peak_us, f.arrivals, f.departures,
           f.stay_min, f.stay_count, f.stays_sum_s, f.censored, f.over_candidates, f.over_confirmed, f.over_s)
       IS DISTINCT FROM
          (t.in_service_us, t.free_us, t.occupied_us, t.closed_us, t.usable_us, t.some_free_us, t.all_taken_us, t.peak_us, t.arrivals, t.departures,
           t.stay_min, t.stay_count, t.stays_sum_s, t.censored, t.over_candidates, t.over_confirmed, t.over_s)
    UNION
    SELECT series_id, hour_at
    FROM (SELECT h.* FROM history_slots h JOIN series USING (series_id) WHERE h.generation = $3) AS f
    FULL JOIN stored_slots t USING (series_id, hour_at)
    WHERE (f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.arrivals, f.departures)
       IS DISTINCT FROM (t.in_service_us, t.free_us, t.occupied_us, t.closed_us, t.arrivals, t.departures)
      AND hour_at >= coalesce((SELECT slots_from FROM retention WHERE area = $1), '-infinity')
), computed AS (
    SELECT s.scope, s.scope_id, f.hour_at FROM fresh f JOIN series s USING (series_id) WHERE s.dim = 'all'
), taken_out AS (
    SELECT DISTINCT substr(key, length('zone/') + 1) AS zone_id FROM log_entry
    WHERE area = $1 AND kind = 'registry' AND key LIKE 'zone/%' AND doc IS NULL
)
SELECT s.scope, s.scope_id, s.dim, s.value, o.hour_at, count(*) OVER () AS number
FROM others o JOIN series s USING (series_id)
WHERE EXISTS (SELECT FROM computed c WHERE (c.scope, c.scope_id, c.hour_at) = (s.scope, s.scope_id, o.hour_at))
   OR (o.hour_at >= $4 AND (s.scope = 'zone' AND s.scope_id NOT IN (SELECT zone_id FROM taken_out)
                            OR s.scope <> 'zone' AND NOT EXISTS (SELECT FROM taken_out)))
ORDER BY o.hour_at, s.scope, s.scope_id, s.dim, s.value LIMIT $5;
