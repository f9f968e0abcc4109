-- name: facts
-- What is known of the sensors of an area: where each stands in the live generation, its newest battery and faults, the
-- suspicions that last, and whose outage cuts it off now: that of the whole area before its gateway's.
SELECT r.id, g.watermark, f.as_of, f.stated_at, f.state, coalesce(f.agreed, 0), coalesce(f.missed, 0), h.battery_mv, n.faults,
       s.found, o.sensors_of
FROM registry r
JOIN generation g ON g.area = r.area AND g.status = 'live'
LEFT JOIN device_fold f ON f.area = r.area AND f.generation = g.generation AND f.device_id = r.id
LEFT JOIN LATERAL (
    SELECT faults FROM reading WHERE device_id = r.id ORDER BY incarnation DESC, boot DESC, seq DESC LIMIT 1
) AS n ON true
LEFT JOIN LATERAL (
    SELECT battery_mv FROM (
        SELECT battery_mv FROM reading WHERE device_id = r.id ORDER BY incarnation DESC, boot DESC, seq DESC LIMIT 20
    ) AS newest WHERE battery_mv IS NOT NULL LIMIT 1
) AS h ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(bay_id, device_id, kind, began_at, ended_at, reason, evidence) ORDER BY began_at, kind) AS found
    FROM suspicion t
    WHERE t.area = r.area AND t.generation = g.generation AND t.device_id = r.id AND t.ended_at IS NULL
) AS s ON true
LEFT JOIN LATERAL (
    SELECT sensors_of FROM outage t
    WHERE t.area = r.area AND t.generation = g.generation AND t.ended_at IS NULL AND f.as_of < t.noticed_at
      AND t.sensors_of IN ('area/' || r.area, 'gateway/' || (r.doc ->> 'gateway'))
    ORDER BY sensors_of LIMIT 1
) AS o ON true
WHERE r.area = $1 AND r.kind = 'sensor'
ORDER BY r.id;
