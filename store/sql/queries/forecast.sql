-- name: zone_cells
-- The cells of one zone in [$3, $4) of the area's live generation as one row of arrays: thousands of small rows would take longer to read than to find.
SELECT coalesce(array_agg(c.cell_at), '{}') AS cell_at, coalesce(array_agg(c.free_s), '{}') AS free_s,
       coalesce(array_agg(c.occupied_s), '{}') AS occupied_s, coalesce(array_agg(c.unknown_s), '{}') AS unknown_s
FROM zone_cell AS c
JOIN generation AS g ON g.area = c.area AND g.generation = c.generation AND g.status = 'live'
WHERE c.area = $1 AND c.zone_id = $2 AND c.cell_at >= $3 AND c.cell_at < $4;

-- name: watermark
-- How far the live generation of an area reaches.
SELECT watermark FROM generation WHERE area = $1 AND status = 'live';

-- name: bays_at_instants
-- What was known of some bays at $4 instants from $2 on, $3 seconds apart: place, from which instant to which (not included), occupied
-- or not. Each bay is asked for within a span [start, until) of its own. What lasts is known up to the watermark; a row holds until the
-- next one of its bay at the latest.
SELECT b.place, f.first, f.last, f.occupied
FROM generation g
CROSS JOIN unnest($5::text[], $6::integer[], $7::timestamptz[], $8::timestamptz[]) AS b (bay_id, place, start, until)
CROSS JOIN LATERAL (
    SELECT greatest(0, ceil(extract(epoch FROM greatest(h.started_at, b.start) - $2)::float8 / $3))::integer AS first,
           least($4, ceil(extract(epoch FROM least(h.ended_at, h.next_at, b.until) - $2)::float8 / $3))::integer AS last,
           h.state = 'occupied' AS occupied
    FROM (
        SELECT i.started_at, i.state, coalesce(i.ended_at, g.watermark + interval '1 microsecond') AS ended_at,
               lead(i.started_at) OVER (ORDER BY i.started_at) AS next_at
        FROM (
            (SELECT t.started_at, t.ended_at, t.state FROM bay_interval t
             WHERE t.area = g.area AND t.generation = g.generation AND t.bay_id = b.bay_id AND t.started_at < b.start
             ORDER BY t.started_at DESC LIMIT 1)
            UNION ALL
            (SELECT t.started_at, t.ended_at, t.state FROM bay_interval t
             WHERE t.area = g.area AND t.generation = g.generation AND t.bay_id = b.bay_id
               AND t.started_at >= b.start AND t.started_at < b.until)
        ) AS i
    ) AS h
    WHERE h.state <> 'unknown'
) AS f
WHERE g.area = $1 AND g.status = 'live' AND f.first < f.last;

-- name: car_parks_at_instants
-- What was counted in some car parks at $4 instants from $2 on, $3 seconds apart: place, from which instant to which (not included),
-- vehicles inside, and the capacity that the car park's own system gave.
SELECT p.place, f.first, f.last, f.occupied, f.capacity
FROM generation g
CROSS JOIN unnest($5::text[], $6::integer[]) AS p (zone_id, place)
CROSS JOIN LATERAL (
    SELECT greatest(0, ceil(extract(epoch FROM h.started_at - $2)::float8 / $3))::integer AS first,
           least($4, ceil(extract(epoch FROM coalesce(h.ended_at, g.watermark + interval '1 microsecond') - $2)::float8 / $3))::integer AS last,
           h.occupied, h.capacity
    FROM (
        (SELECT t.* FROM count_interval t
         WHERE t.area = g.area AND t.generation = g.generation AND t.zone_id = p.zone_id AND t.started_at < $2
         ORDER BY t.started_at DESC LIMIT 1)
        UNION ALL
        (SELECT t.* FROM count_interval t
         WHERE t.area = g.area AND t.generation = g.generation AND t.zone_id = p.zone_id
           AND t.started_at >= $2 AND t.started_at < $2 + make_interval(secs => $3::float8 * $4::integer))
    ) AS h
    WHERE h.occupied IS NOT NULL
) AS f
WHERE g.area = $1 AND g.status = 'live' AND f.first < f.last;

-- name: heard_since
-- When some bays and car parks of an area were first heard of; NULL: never.
SELECT least(
    (SELECT min(f.at) FROM generation g CROSS JOIN unnest($2::text[]) AS b (bay_id) CROSS JOIN LATERAL (
        SELECT t.started_at AS at FROM bay_interval t
        WHERE t.area = g.area AND t.generation = g.generation AND t.bay_id = b.bay_id ORDER BY t.started_at LIMIT 1) AS f
     WHERE g.area = $1 AND g.status = 'live'),
    (SELECT min(f.at) FROM generation g CROSS JOIN unnest($3::text[]) AS z (zone_id) CROSS JOIN LATERAL (
        SELECT t.started_at AS at FROM count_interval t
        WHERE t.area = g.area AND t.generation = g.generation AND t.zone_id = z.zone_id ORDER BY t.started_at LIMIT 1) AS f
     WHERE g.area = $1 AND g.status = 'live'));
