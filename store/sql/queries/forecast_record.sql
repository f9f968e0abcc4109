-- name: places_id
-- The number of a list of places, which is new the first time.
INSERT INTO forecast_places AS p (area, digest, places) VALUES ($1, $2, $3)
ON CONFLICT (area, digest) DO UPDATE SET digest = p.digest
RETURNING places_id;

-- name: record
-- An issue; one that is on record stays as it is.
INSERT INTO forecast_issue (area, issued_at, data_to, model, places_id, shares) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;

-- name: newest_at
-- When each area's newest issue was made.
SELECT area, max(issued_at) FROM forecast_issue GROUP BY area;

-- name: newest
-- Each area's newest issue, of those areas where it is newer than what is known ($1 areas, $2 issued_at). What a clock
-- that was ahead has dated later than now is none, by the watermark where that is later (an area may have its own time).
SELECT i.area, i.issued_at, i.data_to, i.model, i.places_id, i.shares
FROM (SELECT DISTINCT area FROM forecast_places) AS a
LEFT JOIN unnest($1::text[], $2::timestamptz[]) AS known (area, issued_at) USING (area)
LEFT JOIN generation g ON g.area = a.area AND g.status = 'live'
CROSS JOIN LATERAL (
    SELECT * FROM forecast_issue
    WHERE area = a.area AND issued_at <= greatest(now(), g.watermark) + interval '1 minute' ORDER BY issued_at DESC LIMIT 1
) AS i
WHERE known.issued_at IS NULL OR i.issued_at > known.issued_at;

-- name: places
-- What the numbers of an issue are of.
SELECT places FROM forecast_places WHERE places_id = $1;

-- name: issued_in
-- An area's issues of [$2, $3), in their order.
SELECT issued_at, data_to, model, places_id, shares FROM forecast_issue
WHERE area = $1 AND issued_at >= $2 AND issued_at < $3 ORDER BY issued_at;

-- name: scored_to
-- Up to when an area's forecasts are in the sums, and its first issue; NULL: none.
SELECT (SELECT scored_to FROM forecast_scoring WHERE area = $1), (SELECT min(issued_at) FROM forecast_issue WHERE area = $1);

-- name: move_scored_to
-- From $2 (NULL: the beginning) to $3, unless somebody else has moved it.
INSERT INTO forecast_scoring AS s (area, scored_to) VALUES ($1, $3)
ON CONFLICT (area) DO UPDATE SET scored_to = excluded.scored_to WHERE s.scored_to IS NOT DISTINCT FROM $2;

-- name: add_scores
-- Sums of forecasts that came due, by zone.
INSERT INTO forecast_score AS s (area, day, horizon_min, kind, zone_id, forecasts, off, off_usual, off_now, pinball, inside, brier,
                                 brier_usual, brier_now, zone_answers, zone_brier, zone_brier_usual, zone_brier_now)
SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], $6::integer[], $7::float8[], $8::float8[], $9::float8[], $10::float8[],
                                 $11::integer[], $12::float8[], $13::float8[], $14::float8[], $15::integer[], $16::float8[],
                                 $17::float8[], $18::float8[])
ON CONFLICT (area, day, horizon_min, zone_id, kind) DO UPDATE SET
    forecasts = s.forecasts + excluded.forecasts, off = s.off + excluded.off, off_usual = s.off_usual + excluded.off_usual,
    off_now = s.off_now + excluded.off_now, pinball = s.pinball + excluded.pinball, inside = s.inside + excluded.inside,
    brier = s.brier + excluded.brier, brier_usual = s.brier_usual + excluded.brier_usual, brier_now = s.brier_now + excluded.brier_now,
    zone_answers = s.zone_answers + excluded.zone_answers, zone_brier = s.zone_brier + excluded.zone_brier,
    zone_brier_usual = s.zone_brier_usual + excluded.zone_brier_usual, zone_brier_now = s.zone_brier_now + excluded.zone_brier_now;

-- name: add_chances
-- The same forecasts by what was said of a free bay.
INSERT INTO forecast_chance AS c (area, day, horizon_min, kind, tenth, forecasts, said, came)
SELECT $1, $2, $3, * FROM unnest($4::text[], $5::smallint[], $6::integer[], $7::float8[], $8::integer[])
ON CONFLICT (area, day, horizon_min, kind, tenth) DO UPDATE SET
    forecasts = c.forecasts + excluded.forecasts, said = c.said + excluded.said, came = c.came + excluded.came;

-- name: drop_issues
-- What is older than it is to be kept and has been scored: the first $3.
DELETE FROM forecast_issue WHERE area = $1 AND issued_at IN (
    SELECT i.issued_at FROM forecast_issue i JOIN forecast_scoring s USING (area)
    WHERE i.area = $1 AND i.issued_at < $2 AND i.issued_at < s.scored_to - interval '1 day' ORDER BY i.issued_at LIMIT $3
);

-- name: skill
-- An area's sums from one civil day ($2) to another ($3, not in it), of one zone ($4) or of all together (NULL), by horizon
-- and kind of day.
SELECT horizon_min, kind, sum(forecasts)::bigint, sum(off), sum(off_usual), sum(off_now), sum(pinball), sum(inside)::bigint,
       sum(brier), sum(brier_usual), sum(brier_now), sum(zone_answers)::bigint, sum(zone_brier), sum(zone_brier_usual), sum(zone_brier_now)
FROM forecast_score
WHERE area = $1 AND day >= $2 AND day < $3 AND zone_id = coalesce($4, zone_id)
GROUP BY horizon_min, kind ORDER BY horizon_min, kind;

-- name: skill_of_zones
-- Likewise of each zone, whatever day it was.
SELECT zone_id, horizon_min, sum(forecasts)::bigint, sum(off), sum(off_usual), sum(off_now), sum(pinball), sum(inside)::bigint,
       sum(brier), sum(brier_usual), sum(brier_now), sum(zone_answers)::bigint, sum(zone_brier), sum(zone_brier_usual), sum(zone_brier_now)
FROM forecast_score WHERE area = $1 AND day >= $2 AND day < $3 GROUP BY zone_id, horizon_min ORDER BY zone_id, horizon_min;

-- name: skill_of_some_zones
-- Likewise of the $5 first zones after one ($4).
SELECT zone_id, horizon_min, sum(forecasts)::bigint, sum(off), sum(off_usual), sum(off_now), sum(pinball), sum(inside)::bigint,
       sum(brier), sum(brier_usual), sum(brier_now), sum(zone_answers)::bigint, sum(zone_brier), sum(zone_brier_usual), sum(zone_brier_now)
FROM forecast_score
WHERE area = $1 AND day >= $2 AND day < $3 AND zone_id IN (
    SELECT DISTINCT zone_id FROM forecast_score
    WHERE area = $1 AND day >= $2 AND day < $3 AND zone_id > $4 ORDER BY zone_id LIMIT $5
)
GROUP BY zone_id, horizon_min ORDER BY zone_id, horizon_min;

-- name: chances
-- What was said of a free bay and how often there was one, by tenths, on all days from $2 to $3 (not in it).
SELECT horizon_min, tenth, sum(forecasts)::bigint, sum(said), sum(came)::bigint
FROM forecast_chance WHERE area = $1 AND day >= $2 AND day < $3 GROUP BY horizon_min, tenth ORDER BY horizon_min, tenth;

-- name: live
-- Each area's live generation and how far it reaches.
SELECT area, generation, watermark FROM generation WHERE status = 'live' AND watermark IS NOT NULL ORDER BY area;

-- name: conditions
-- Of each area that has a watermark: how many seconds before it the newest issue was made, its model, how far scores reach.
SELECT g.area, extract(epoch FROM g.watermark - i.issued_at)::double precision, i.model, g.watermark, s.scored_to
FROM generation g
LEFT JOIN LATERAL (
    SELECT issued_at, model FROM forecast_issue
    WHERE area = g.area AND issued_at <= greatest(now(), g.watermark) + interval '1 minute' ORDER BY issued_at DESC LIMIT 1
) AS i ON true
LEFT JOIN forecast_scoring s ON s.area = g.area
WHERE g.status = 'live' AND g.watermark IS NOT NULL ORDER BY g.area;
