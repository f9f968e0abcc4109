-- A record that is found to be none stays as a revision that says nothing: what was revised is seen to have been.
ALTER TABLE history_final ADD COLUMN void boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN history_final.void IS 'There is nothing of the kind, as was found out later: its sums are 0, its hour is not counted, its revision is told';
COMMENT ON COLUMN history_revision.was IS 'NULL: there was nothing';

CREATE OR REPLACE VIEW history_known AS
SELECT series_id, 0 AS generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us,
    arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s, true AS final, revision, void
FROM history_final
UNION ALL
SELECT series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us,
    arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s, false, 0, false
FROM history_hour;

ALTER TABLE history_day DROP CONSTRAINT history_day_hours_check, ADD CHECK (hours >= 0);
COMMENT ON COLUMN history_day.hours IS 'A bit for each hour of the day of which there is a record that says something, the first one for the first';

CREATE OR REPLACE FUNCTION history_days_of(series integer[], starts timestamptz[], ends timestamptz[]) RETURNS SETOF history_day
LANGUAGE sql STABLE AS $$
    WITH wanted AS (
        SELECT * FROM unnest(series, starts, ends) AS w (series_id, day_at, until)
    ), found AS (
        SELECT w.day_at, f.* FROM wanted w JOIN history_final f USING (series_id)
        WHERE f.hour_at >= w.day_at AND f.hour_at < w.until
          AND f.hour_at >= (SELECT min(day_at) FROM wanted) AND f.hour_at < (SELECT max(until) FROM wanted)
    ), lengths AS (
        SELECT series_id, day_at, array_agg(minute ORDER BY minute) AS stay_min, array_agg(stays ORDER BY minute) AS stay_count FROM (
            SELECT f.series_id, f.day_at, u.minute, sum(u.stays)::integer AS stays
            FROM found f CROSS JOIN LATERAL unnest(f.stay_min, f.stay_count) AS u (minute, stays)
            GROUP BY f.series_id, f.day_at, u.minute
        ) AS by_minute GROUP BY series_id, day_at
    ), sums AS (
        SELECT series_id, day_at,
            coalesce(bit_or(1 << floor(extract(epoch FROM hour_at - day_at) / 3600)::integer) FILTER (WHERE NOT void), 0) AS hours,
            sum(in_service_us)::bigint AS in_service_us, sum(free_us)::bigint AS free_us, sum(occupied_us)::bigint AS occupied_us,
            sum(closed_us)::bigint AS closed_us, sum(usable_us)::bigint AS usable_us, sum(some_free_us)::bigint AS some_free_us,
            sum(all_taken_us)::bigint AS all_taken_us, max(peak_us) AS peak_us, sum(arrivals)::integer AS arrivals,
            sum(departures)::integer AS departures, sum(stays_sum_s)::bigint AS stays_sum_s, sum(censored)::integer AS censored,
            sum(over_candidates)::integer AS over_candidates, sum(over_confirmed)::integer AS over_confirmed,
            sum(over_s)::bigint AS over_s, max(revision) AS revision
        FROM found GROUP BY series_id, day_at
    )
    SELECT s.series_id, s.day_at, s.hours, s.in_service_us, s.free_us, s.occupied_us, s.closed_us, s.usable_us, s.some_free_us,
        s.all_taken_us, s.peak_us, s.arrivals, s.departures, coalesce(l.stay_min, '{}'), coalesce(l.stay_count, '{}'),
        s.stays_sum_s, s.censored, s.over_candidates, s.over_confirmed, s.over_s, s.revision
    FROM sums s LEFT JOIN lengths l USING (series_id, day_at)
$$;
