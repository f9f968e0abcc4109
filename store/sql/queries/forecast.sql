-- name: zone_cells
-- The cells of one zone in [$3, $4) of the area's live generation as one row of arrays: thousands of small rows would take longer to read than to find.
SELECT coalesce(array_agg(c.cell_at), '{}') AS cell_at, coalesce(array_agg(c.free_s), '{}') AS free_s,
       coalesce(array_agg(c.occupied_s), '{}') AS occupied_s, coalesce(array_agg(c.unknown_s), '{}') AS unknown_s
FROM zone_cell AS c
JOIN generation AS g ON g.area = c.area AND g.generation = c.generation AND g.status = 'live'
WHERE c.area = $1 AND c.zone_id = $2 AND c.cell_at >= $3 AND c.cell_at < $4;
