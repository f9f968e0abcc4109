-- name: advance
-- The live generation of every area, with the zones that changed after the version known to the follower (all of them when its generation is new).
SELECT g.area, g.generation, g.version, g.watermark,
       z.zone_id, z.version AS zone_version, z.free, z.occupied, z.unknown, z.closed, z.free_min, z.free_max,
       z.groups, z.as_of, z.source, z.confidence, z.coverage
FROM generation AS g
LEFT JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS known (area, generation, version)
       ON known.area = g.area AND known.generation = g.generation
LEFT JOIN zone_state AS z
       ON z.area = g.area AND z.generation = g.generation AND z.version > coalesce(known.version, -1)
WHERE g.status = 'live'
ORDER BY g.area, z.zone_id;

-- name: registry_marks
-- One mark per area that differs after any change of its registry or its overrides.
SELECT area, max(batch_id) AS newest, count(*) AS documents
FROM (SELECT area, batch_id FROM registry UNION ALL SELECT area, batch_id FROM override) AS known
GROUP BY area;

-- name: registry_documents
-- Every registry document and every override of one area.
SELECT kind, id, doc FROM registry WHERE area = $1
UNION ALL
SELECT 'override', id, doc FROM override WHERE area = $1
ORDER BY kind, id;

-- name: bay_states
-- The live state of the given bays.
SELECT bay_id, state, since, as_of, confidence, reason, device_id
FROM bay_state
WHERE area = $1 AND generation = $2 AND bay_id = ANY ($3::text[]);
