-- name: cut_cells
-- Cells of some zones, each in [start, until). Looked up zone by zone, which OFFSET 0 enforces: of a new generation the planner
-- expects one row.
DELETE FROM zone_cell WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS c (zone_id, start, until)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM zone_cell b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = c.zone_id
          AND b.cell_at >= c.start AND b.cell_at < c.until OFFSET 0
    ) AS t
));

-- name: copy_cells
-- Cells in bulk.
COPY zone_cell (area, generation, zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, arrivals, departures) FROM STDIN (FORMAT BINARY);

-- name: bay_intervals_in
-- What held at some bays, each in one of some spans [start, until): the rows that begin there and the one before, by bay as it
-- was asked for. Many bays have few spans, which are therefore given once.
SELECT b.number, i.started_at, i.ended_at, i.state
FROM (SELECT u.bay_id, u.number, ($5::timestamptz[])[u.span] AS start, ($6::timestamptz[])[u.span] AS until
      FROM unnest($3::text[], $4::integer[]) WITH ORDINALITY AS u (bay_id, span, number)) AS b
CROSS JOIN LATERAL (
    (SELECT t.started_at, t.ended_at, t.state FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at < b.start
     ORDER BY t.started_at DESC LIMIT 1)
    UNION ALL
    (SELECT t.started_at, t.ended_at, t.state FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at >= b.start AND t.started_at < b.until)
) AS i
ORDER BY b.number, i.started_at;

-- name: held_since
-- What held at some bays from a time on, with the sensor that said so: the rows that begin after it and the one before.
SELECT b.bay_id, i.device_id, i.started_at, i.ended_at, i.state
FROM unnest($3::text[]) AS b (bay_id)
CROSS JOIN LATERAL (
    (SELECT t.device_id, t.started_at, t.ended_at, t.state FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at < $4
     ORDER BY t.started_at DESC LIMIT 1)
    UNION ALL
    (SELECT t.device_id, t.started_at, t.ended_at, t.state FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = b.bay_id AND t.started_at >= $4)
) AS i
ORDER BY b.bay_id, i.started_at;

-- name: count_intervals_in
-- The counts of some car parks, each in [start, until): the rows that begin there and the one before.
SELECT z.number, i.started_at, i.ended_at, i.occupied, i.over, i.passages, i.spread, i.capacity, i.estimated
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY AS z (zone_id, start, until, number)
CROSS JOIN LATERAL (
    (SELECT * FROM count_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.zone_id = z.zone_id AND t.started_at < z.start
     ORDER BY t.started_at DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM count_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.zone_id = z.zone_id AND t.started_at >= z.start AND t.started_at < z.until)
) AS i
ORDER BY z.number, i.started_at;

-- name: first_evidence
-- When some zones were first heard of: the first row of a bay of theirs, or of the car park itself (no bay).
SELECT z.zone_id, min(i.started_at)
FROM unnest($3::text[], $4::text[]) AS z (zone_id, bay_id)
CROSS JOIN LATERAL (
    (SELECT t.started_at FROM bay_interval t
     WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = z.bay_id ORDER BY t.started_at LIMIT 1)
    UNION ALL
    (SELECT t.started_at FROM count_interval t
     WHERE z.bay_id IS NULL AND t.area = $1 AND t.generation = $2 AND t.zone_id = z.zone_id ORDER BY t.started_at LIMIT 1)
) AS i
GROUP BY z.zone_id;
