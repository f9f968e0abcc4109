-- Lengths of stays are kept in whole minutes, each with how many there were of it: what a year of a city can be asked in no
-- time. With the hour comes its peak, and with the civil day the sum of its hours.
DROP VIEW history_fresh;

CREATE FUNCTION pg_temp.minutes_of(stays_s integer[], OUT stay_min integer[], OUT stay_count integer[]) LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(minute ORDER BY minute), '{}'), coalesce(array_agg(stays ORDER BY minute), '{}') FROM (
        SELECT (s + 30) / 60 AS minute, count(*)::integer AS stays FROM unnest(stays_s) AS s GROUP BY 1
    ) AS by_minute
$$;

ALTER TABLE history_hour
    ADD COLUMN peak_us     bigint CHECK (peak_us >= 0),
    ADD COLUMN stay_min    integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN stay_count  integer[] NOT NULL DEFAULT '{}' CHECK (cardinality(stay_count) = cardinality(stay_min)),
    ADD COLUMN stays_sum_s bigint NOT NULL DEFAULT 0;
ALTER TABLE history_final
    ADD COLUMN peak_us     bigint CHECK (peak_us >= 0),
    ADD COLUMN stay_min    integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN stay_count  integer[] NOT NULL DEFAULT '{}' CHECK (cardinality(stay_count) = cardinality(stay_min)),
    ADD COLUMN stays_sum_s bigint NOT NULL DEFAULT 0;

UPDATE history_hour SET (stay_min, stay_count) = (SELECT m.stay_min, m.stay_count FROM pg_temp.minutes_of(stays_s) AS m),
    stays_sum_s = (SELECT sum(s) FROM unnest(stays_s) AS s)
WHERE stays_s <> '{}';
UPDATE history_final SET (stay_min, stay_count) = (SELECT m.stay_min, m.stay_count FROM pg_temp.minutes_of(stays_s) AS m),
    stays_sum_s = (SELECT sum(s) FROM unnest(stays_s) AS s)
WHERE stays_s <> '{}';
UPDATE history_hour h SET peak_us = (SELECT max(us) FROM unnest(t.occupied_us) AS us)
FROM history_slots t WHERE (t.series_id, t.generation, t.hour_at) = (h.series_id, h.generation, h.hour_at);
UPDATE history_final f SET peak_us = (SELECT max(us) FROM unnest(t.occupied_us) AS us)
FROM history_final_slots t WHERE (t.series_id, t.hour_at) = (f.series_id, f.hour_at);

ALTER TABLE history_hour DROP COLUMN stays_s, ALTER COLUMN stay_min DROP DEFAULT, ALTER COLUMN stay_count DROP DEFAULT,
    ALTER COLUMN stays_sum_s DROP DEFAULT;
ALTER TABLE history_final DROP COLUMN stays_s, ALTER COLUMN stay_min DROP DEFAULT, ALTER COLUMN stay_count DROP DEFAULT,
    ALTER COLUMN stays_sum_s DROP DEFAULT;
COMMENT ON COLUMN history_hour.peak_us IS 'Bay-microseconds occupied in the fullest five minutes, where a series is of all bays';
COMMENT ON COLUMN history_hour.stay_min IS 'Lengths of the stays that ended in the hour, in whole minutes (rounded half up), each once and sorted; stay_count: how many of each; stays_sum_s: in sum, of the seconds; censored: stays of which an end is not known';

CREATE VIEW history_fresh AS
SELECT s.area, h.* FROM history_hour h
JOIN history_series s USING (series_id)
JOIN generation g ON (g.area, g.generation) = (s.area, h.generation) AND g.status = 'live'
JOIN history_finality f ON f.area = s.area
WHERE h.hour_at < f.final_to;
COMMENT ON VIEW history_fresh IS 'Derived hours that are to become records, or to be held against them';

CREATE VIEW history_known AS
SELECT series_id, 0 AS generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us,
    arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s, true AS final, revision
FROM history_final
UNION ALL
SELECT series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us,
    arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s, false, 0
FROM history_hour;
COMMENT ON VIEW history_known IS 'Hours as they are asked for: records, whose generation is told as 0, and derived ones of all generations';

CREATE TABLE history_day (
    series_id      integer NOT NULL,
    day_at         timestamptz NOT NULL,
    hours          integer NOT NULL CHECK (hours > 0),
    in_service_us  bigint NOT NULL,
    free_us        bigint NOT NULL,
    occupied_us    bigint NOT NULL,
    closed_us      bigint NOT NULL,
    usable_us      bigint NOT NULL,
    some_free_us   bigint NOT NULL,
    all_taken_us   bigint NOT NULL,
    peak_us        bigint,
    arrivals       integer NOT NULL,
    departures     integer NOT NULL,
    stay_min       integer[] NOT NULL,
    stay_count     integer[] NOT NULL,
    stays_sum_s    bigint NOT NULL,
    censored       integer NOT NULL,
    over_candidates integer NOT NULL,
    over_confirmed integer NOT NULL,
    over_s         bigint NOT NULL,
    revision       integer NOT NULL,
    PRIMARY KEY (series_id, day_at)
);
COMMENT ON TABLE history_day IS 'Civil days as the sums of their hours, all of which are records: what is asked for by days need not read hours';
COMMENT ON COLUMN history_day.hours IS 'A bit for each hour of the day of which there is a record, the first one for the first';
COMMENT ON COLUMN history_day.revision IS 'Of the hour that was revised most';

ALTER TABLE history_finality ADD COLUMN days_to timestamptz, ADD COLUMN days_zone text;
COMMENT ON COLUMN history_finality.days_to IS 'Days that are over by then have their rows, if they have records; NULL: none has. days_zone: by whose clock they are days';

CREATE FUNCTION history_days_of(series integer[], starts timestamptz[], ends timestamptz[]) RETURNS SETOF history_day
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
        SELECT series_id, day_at, bit_or(1 << floor(extract(epoch FROM hour_at - day_at) / 3600)::integer) AS hours,
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
COMMENT ON FUNCTION history_days_of IS 'The rows that some days of some series have by their records: arrays that go together, of series, and of when each day begins and ends';
