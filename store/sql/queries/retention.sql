-- name: standing
-- When an area was looked through last, where its log begins (or its first watermark), up to when its hours are records.
SELECT r.ran_at, h.begins_at,
       coalesce(h.begins_at, (SELECT b.watermark FROM log_batch b WHERE b.area = h.area AND b.watermark IS NOT NULL ORDER BY b.position LIMIT 1)),
       (SELECT f.final_to FROM history_finality f WHERE f.area = h.area), h.kept_from, r.hours_from, r.slots_from
FROM log_head h LEFT JOIN retention r USING (area) WHERE h.area = $1;

-- name: keep_rows_from
-- Who folds the live generation learns of it by its next swap.
WITH head AS (UPDATE log_head SET kept_from = $3 WHERE area = $1)
UPDATE generation SET kept_from = $3 WHERE area = $1 AND generation = $2;

-- name: keep_records_from
-- From when on hours ($2) and their five minutes ($3) are kept.
INSERT INTO retention (area, hours_from, slots_from) VALUES ($1, $2, $3)
ON CONFLICT (area) DO UPDATE SET hours_from = excluded.hours_from, slots_from = excluded.slots_from;

-- name: note_run
-- All that was too old at a watermark has gone.
UPDATE retention SET ran_at = $2 WHERE area = $1;

-- name: drop_bay_intervals
-- What held at each bay before what held at an instant ($3), or last before it: that row stays, so that a bay that was heard
-- of stays heard of. $4 rows at most.
WITH RECURSIVE bay AS (
    (SELECT bay_id FROM bay_interval WHERE area = $1 AND generation = $2 ORDER BY bay_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.bay_id FROM bay_interval t WHERE t.area = $1 AND t.generation = $2 AND t.bay_id > bay.bay_id ORDER BY t.bay_id LIMIT 1)
    FROM bay WHERE bay.bay_id IS NOT NULL
), stays AS (
    SELECT bay_id, (SELECT max(t.started_at) FROM bay_interval t
                    WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = bay.bay_id AND t.started_at <= $3) AS at
    FROM bay
)
DELETE FROM bay_interval WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM stays s CROSS JOIN LATERAL (
        SELECT b.ctid FROM bay_interval b WHERE b.area = $1 AND b.generation = $2 AND b.bay_id = s.bay_id
          AND b.started_at < s.at AND b.ended_at <= $3 OFFSET 0
    ) AS t LIMIT $4
));

-- name: drop_stays
-- As bay intervals.
WITH RECURSIVE bay AS (
    (SELECT bay_id FROM stay WHERE area = $1 AND generation = $2 ORDER BY bay_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.bay_id FROM stay t WHERE t.area = $1 AND t.generation = $2 AND t.bay_id > bay.bay_id ORDER BY t.bay_id LIMIT 1)
    FROM bay WHERE bay.bay_id IS NOT NULL
), stays AS (
    SELECT bay_id, (SELECT max(t.arrived_at) FROM stay t
                    WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = bay.bay_id AND t.arrived_at <= $3) AS at
    FROM bay
)
DELETE FROM stay WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM stays s CROSS JOIN LATERAL (
        SELECT b.ctid FROM stay b WHERE b.area = $1 AND b.generation = $2 AND b.bay_id = s.bay_id
          AND b.arrived_at < s.at AND b.departed_at <= $3 OFFSET 0
    ) AS t LIMIT $4
));

-- name: drop_overstays
-- Those of stays from before an instant ($3) that are gone. $4 rows at most.
DELETE FROM overstay WHERE ctid = ANY (ARRAY(
    SELECT o.ctid FROM overstay o WHERE o.area = $1 AND o.generation = $2 AND o.over_from <= $3 AND NOT EXISTS (
        SELECT FROM stay s WHERE (s.area, s.generation, s.bay_id, s.arrived_at) = (o.area, o.generation, o.bay_id, o.arrived_at))
    LIMIT $4
));

-- name: drop_count_intervals
-- As bay intervals.
WITH RECURSIVE zone AS (
    (SELECT zone_id FROM count_interval WHERE area = $1 AND generation = $2 ORDER BY zone_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.zone_id FROM count_interval t WHERE t.area = $1 AND t.generation = $2 AND t.zone_id > zone.zone_id ORDER BY t.zone_id LIMIT 1)
    FROM zone WHERE zone.zone_id IS NOT NULL
), stays AS (
    SELECT zone_id, (SELECT max(t.started_at) FROM count_interval t
                     WHERE t.area = $1 AND t.generation = $2 AND t.zone_id = zone.zone_id AND t.started_at <= $3) AS at
    FROM zone
)
DELETE FROM count_interval WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM stays s CROSS JOIN LATERAL (
        SELECT b.ctid FROM count_interval b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = s.zone_id
          AND b.started_at < s.at AND b.ended_at <= $3 OFFSET 0
    ) AS t LIMIT $4
));

-- name: drop_cells
-- Quarters of an hour that ended by an instant ($3). $4 rows at most.
WITH RECURSIVE zone AS (
    (SELECT zone_id FROM zone_cell WHERE area = $1 AND generation = $2 ORDER BY zone_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.zone_id FROM zone_cell t WHERE t.area = $1 AND t.generation = $2 AND t.zone_id > zone.zone_id ORDER BY t.zone_id LIMIT 1)
    FROM zone WHERE zone.zone_id IS NOT NULL
)
DELETE FROM zone_cell WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM zone CROSS JOIN LATERAL (
        SELECT b.ctid FROM zone_cell b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = zone.zone_id AND b.cell_at < $3 OFFSET 0
    ) AS t LIMIT $4
));

-- name: oldest_records
-- The oldest hour, and the oldest five minutes, of an area's own series: those of all its zones.
SELECT (SELECT f.hour_at FROM history_final f WHERE f.series_id = s.series_id ORDER BY f.hour_at LIMIT 1),
       (SELECT f.hour_at FROM history_final_slots f WHERE f.series_id = s.series_id ORDER BY f.hour_at LIMIT 1)
FROM history_series s WHERE s.area = $1 AND s.scope = 'area' AND s.dim = 'all';

-- name: drop_hours
-- Records of an area from before an instant.
DELETE FROM history_final f USING history_series s WHERE s.area = $1 AND f.series_id = s.series_id AND f.hour_at < $2;

-- name: drop_revisions
-- What they were before.
DELETE FROM history_revision r USING history_series s WHERE s.area = $1 AND r.series_id = s.series_id AND r.hour_at < $2;

-- name: drop_days
-- Rows of civil days that began before an instant, which is the beginning of one.
DELETE FROM history_day d USING history_series s WHERE s.area = $1 AND d.series_id = s.series_id AND d.day_at < $2;

-- name: drop_slots
-- Their five minutes.
DELETE FROM history_final_slots f USING history_series s WHERE s.area = $1 AND f.series_id = s.series_id AND f.hour_at < $2;

-- name: clock
-- The time of day: of what signs were told there is no watermark.
SELECT clock_timestamp();

-- name: signs_on_record
-- Every sign that was told or said anything, also one that is in no registry any more: a step per sign, not per record.
WITH RECURSIVE sign AS (
    SELECT least((SELECT min(sign_id) FROM sign_frame), (SELECT min(sign_id) FROM sign_shown)) AS sign_id
    UNION ALL
    SELECT least((SELECT min(f.sign_id) FROM sign_frame f WHERE f.sign_id > sign.sign_id),
                 (SELECT min(s.sign_id) FROM sign_shown s WHERE s.sign_id > sign.sign_id))
    FROM sign WHERE sign.sign_id IS NOT NULL
)
SELECT sign_id FROM sign WHERE sign_id IS NOT NULL;

-- name: drop_sign_frames
-- Frames of these signs ($1) from before an instant ($2), but the newest of each, whose sequence must not come again. A
-- sequence is at least the milliseconds of the time at which it was given. $3 rows at most.
WITH newest AS (
    SELECT sign_id, (SELECT max(f.sequence) FROM sign_frame f WHERE f.sign_id = sign.sign_id) AS sequence
    FROM unnest($1::text[]) AS sign (sign_id)
)
DELETE FROM sign_frame WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM newest n CROSS JOIN LATERAL (
        SELECT f.ctid FROM sign_frame f WHERE f.sign_id = n.sign_id
          AND f.sequence < least(n.sequence, (extract(epoch FROM $2::timestamptz) * 1000)::bigint) OFFSET 0
    ) AS t LIMIT $3
));

-- name: drop_sign_shown
-- What these signs ($1) said they showed, up to an instant ($2), but the last of each, which else had never said anything.
-- $3 rows at most.
WITH newest AS (
    SELECT sign_id, (SELECT max(s.first_at) FROM sign_shown s WHERE s.sign_id = sign.sign_id) AS first_at
    FROM unnest($1::text[]) AS sign (sign_id)
)
DELETE FROM sign_shown WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM newest n CROSS JOIN LATERAL (
        SELECT s.ctid FROM sign_shown s WHERE s.sign_id = n.sign_id AND s.first_at < n.first_at AND s.last_at < $2 OFFSET 0
    ) AS t LIMIT $3
));
