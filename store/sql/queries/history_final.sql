-- name: final_to
-- Up to when an area's hours are records; and whether a generation is the live one.
SELECT (SELECT final_to FROM history_finality WHERE area = $1),
       (SELECT status = 'live' FROM generation WHERE area = $1 AND generation = $2);

-- name: fresh
-- From which hour to which there are derived hours that are to become records, or to be held against them; null: none.
SELECT min(hour_at), max(hour_at) FROM history_fresh WHERE area = $1;

-- name: computed_anew
-- All series of whom there are derived hours before an instant, from which hour to which. What names series and hours as constants
-- reads and unpacks no more of the records than that.
SELECT array_agg(DISTINCT s.series_id), min(h.hour_at), max(h.hour_at)
FROM history_fresh h JOIN history_series a USING (series_id)
JOIN history_series s ON (s.area, s.scope, s.scope_id) = (a.area, a.scope, a.scope_id)
WHERE h.area = $1 AND h.hour_at < $2;

-- name: allow_unpacking
-- For the rest of the transaction: however much is changed of what is in TimescaleDB's columnstore, it is made whole.
SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true);

-- name: keep_revised
-- What records were that are to be others; one that was found to be none was nothing.
INSERT INTO history_revision (series_id, hour_at, revision, cause, was)
SELECT f.series_id, f.hour_at, f.revision, $2, CASE WHEN NOT f.void THEN to_jsonb(f) END
FROM history_final f JOIN history_fresh h USING (series_id, hour_at)
WHERE h.area = $1 AND f.series_id = ANY($3::integer[]) AND f.hour_at >= $4 AND f.hour_at <= $5 AND (f.in_service_us, f.free_us, f.occupied_us, f.closed_us, f.usable_us, f.some_free_us, f.all_taken_us, f.peak_us, f.arrivals,
       f.departures, f.stay_min, f.stay_count, f.stays_sum_s, f.censored, f.over_candidates, f.over_confirmed, f.over_s, f.void)
   IS DISTINCT FROM
      (h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us, h.some_free_us, h.all_taken_us, h.peak_us, h.arrivals,
       h.departures, h.stay_min, h.stay_count, h.stays_sum_s, h.censored, h.over_candidates, h.over_confirmed, h.over_s, false);

-- name: revise
-- Records that are others now; those of days that have their rows ($7: up to when) are told.
WITH revised AS (
UPDATE history_final f SET generation = h.generation, in_service_us = h.in_service_us, free_us = h.free_us,
    occupied_us = h.occupied_us, closed_us = h.closed_us, usable_us = h.usable_us, some_free_us = h.some_free_us,
    all_taken_us = h.all_taken_us, peak_us = h.peak_us, arrivals = h.arrivals, departures = h.departures,
    stay_min = h.stay_min, stay_count = h.stay_count, stays_sum_s = h.stays_sum_s,
    censored = h.censored, over_candidates = h.over_candidates, over_confirmed = h.over_confirmed, over_s = h.over_s,
    void = false, revision = f.revision + 1, engine_version = $2, position = $3
FROM history_fresh h
WHERE h.area = $1 AND f.series_id = ANY($4::integer[]) AND f.hour_at >= $5 AND f.hour_at <= $6
  AND (f.series_id, f.hour_at) = (h.series_id, h.hour_at)
  AND EXISTS (SELECT FROM history_revision r WHERE (r.series_id, r.hour_at, r.revision) = (f.series_id, f.hour_at, f.revision))
RETURNING f.series_id, f.hour_at
)
SELECT series_id, hour_at FROM revised WHERE hour_at < $7;

-- name: keep_late
-- Records of which there was nothing when their hour became final: revisions of nothing.
INSERT INTO history_revision (series_id, hour_at, revision, cause)
SELECT h.series_id, h.hour_at,
    coalesce((SELECT max(r.revision) FROM history_revision r WHERE (r.series_id, r.hour_at) = (h.series_id, h.hour_at)), 0) + 1, $2
FROM history_fresh h
WHERE h.area = $1 AND h.hour_at < $3 AND NOT EXISTS (
    SELECT FROM history_final f WHERE f.series_id = ANY($4::integer[]) AND f.hour_at >= $5 AND f.hour_at <= $6
      AND (f.series_id, f.hour_at) = (h.series_id, h.hour_at));

-- name: finish
-- Hours that become records, unless they are: their first revision, or the one after that which says that there was nothing.
-- Told as above.
WITH finished AS (
INSERT INTO history_final (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us,
    some_free_us, all_taken_us, peak_us, arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s, revision,
    engine_version, position)
SELECT h.series_id, h.generation, h.hour_at, h.in_service_us, h.free_us, h.occupied_us, h.closed_us, h.usable_us,
    h.some_free_us, h.all_taken_us, h.peak_us, h.arrivals, h.departures, h.stay_min, h.stay_count, h.stays_sum_s, h.censored, h.over_candidates, h.over_confirmed,
    h.over_s, coalesce((SELECT max(r.revision) FROM history_revision r WHERE (r.series_id, r.hour_at) = (h.series_id, h.hour_at)), 0) + 1,
    $2, $3
FROM history_fresh h WHERE h.area = $1 AND NOT EXISTS (
    SELECT FROM history_final f WHERE f.hour_at >= $5 AND f.hour_at <= $6 AND (f.series_id, f.hour_at) = (h.series_id, h.hour_at))
RETURNING series_id, hour_at
)
SELECT series_id, hour_at FROM finished WHERE hour_at < $4;

-- name: keep_void
-- Records of series that the same zone (or what is wider) no longer has in an hour that was computed anew.
INSERT INTO history_revision (series_id, hour_at, revision, cause, was)
SELECT f.series_id, f.hour_at, f.revision, $2, to_jsonb(f)
FROM history_fresh h
JOIN history_series a ON a.series_id = h.series_id AND a.dim = 'all'
JOIN history_series s ON (s.area, s.scope, s.scope_id) = (a.area, a.scope, a.scope_id)
JOIN history_final f ON (f.series_id, f.hour_at) = (s.series_id, h.hour_at)
WHERE h.area = $1 AND f.series_id = ANY($3::integer[]) AND f.hour_at >= $4 AND f.hour_at <= $5 AND NOT f.void
  AND NOT EXISTS (SELECT FROM history_fresh o WHERE (o.series_id, o.hour_at) = (f.series_id, f.hour_at));

-- name: make_void
-- They stay as a revision that says nothing, and that no sum counts. Told as above.
WITH gone AS (
UPDATE history_final f SET generation = h.generation, in_service_us = 0, free_us = 0, occupied_us = 0, closed_us = 0,
    usable_us = 0, some_free_us = 0, all_taken_us = 0, peak_us = NULL, arrivals = 0, departures = 0, stay_min = '{}',
    stay_count = '{}', stays_sum_s = 0, censored = 0, over_candidates = 0, over_confirmed = 0, over_s = 0,
    void = true, revision = f.revision + 1, engine_version = $2, position = $3
FROM history_fresh h, history_series a, history_series s
WHERE h.area = $1 AND a.series_id = h.series_id AND a.dim = 'all' AND (s.area, s.scope, s.scope_id) = (a.area, a.scope, a.scope_id)
  AND f.series_id = ANY($4::integer[]) AND f.hour_at >= $5 AND f.hour_at <= $6 AND (f.series_id, f.hour_at) = (s.series_id, h.hour_at)
  AND NOT f.void AND NOT EXISTS (SELECT FROM history_fresh o WHERE (o.series_id, o.hour_at) = (f.series_id, f.hour_at))
RETURNING f.series_id, f.hour_at
)
SELECT series_id, hour_at FROM gone WHERE hour_at < $7;

-- name: drop_old_slots
-- The five minutes of records that are written anew.
DELETE FROM history_final_slots t USING history_fresh h
WHERE h.area = $1 AND t.series_id = ANY($2::integer[]) AND t.hour_at >= $3 AND t.hour_at <= $4
  AND (t.series_id, t.hour_at) = (h.series_id, h.hour_at);

-- name: finish_slots
-- Their five minutes, unless those are no longer kept.
INSERT INTO history_final_slots
SELECT t.* FROM history_slots t JOIN history_fresh h USING (series_id, generation, hour_at)
WHERE h.area = $1 AND h.hour_at >= coalesce((SELECT r.slots_from FROM retention r WHERE r.area = $1), '-infinity');

-- name: drop_fresh_slots
-- What is a record is not derived.
DELETE FROM history_slots t USING history_fresh h
WHERE h.area = $1 AND (t.series_id, t.generation, t.hour_at) = (h.series_id, h.generation, h.hour_at);

-- name: drop_fresh
-- What is a record is not derived.
DELETE FROM history_hour t USING history_fresh h
WHERE h.area = $1 AND (t.series_id, t.generation, t.hour_at) = (h.series_id, h.generation, h.hour_at);

-- name: move_final_to
-- Up to when hours are records.
INSERT INTO history_finality (area, final_to) VALUES ($1, $2)
ON CONFLICT (area) DO UPDATE SET final_to = greatest(history_finality.final_to, excluded.final_to);
