-- name: list
-- Overstays of the live generations whose limit ran out at or after a time, of one zone's bays or of all, newest first.
SELECT o.area, o.bay_id, o.arrived_at, o.device_id, o.rule_id, o.rule_version, o.limit_min, o.grace_min, o.over_from, o.over_to,
       o.candidate_at, o.confirmed_at, o.ended_at, o.state, o.evidence, o.exemptions, o.not_evidence, g.watermark, g.engine_version
FROM overstay o JOIN generation g ON g.area = o.area AND g.generation = o.generation AND g.status = 'live'
WHERE ($1::text[] IS NULL OR o.bay_id = ANY($1)) AND o.over_from >= $2 AND ($3 OR o.state = 'published')
ORDER BY o.over_from DESC, o.bay_id LIMIT $4;
