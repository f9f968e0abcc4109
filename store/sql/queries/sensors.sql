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
WHERE r.area = $1 AND r.kind = 'sensor' AND ($2::text IS NULL OR r.id = $2)
ORDER BY r.id;

-- name: words
-- What one sensor said last, the newest word of its own order first.
SELECT kind, at, received_at, occupied, cause, prev_s, battery_mv, temperature_c, rssi_dbm, faults
FROM reading WHERE device_id = $1 ORDER BY incarnation DESC, boot DESC, seq DESC LIMIT $2;

-- name: promise
-- How one sensor has spoken after a time: its words, the pauses between them that are longer than it promised, and the longest
-- pause. By when they were received; by when they were said in an area of recorded data.
SELECT count(*), count(*) FILTER (WHERE pause > $4), max(pause)
FROM (
    SELECT heard_at - lag(heard_at) OVER (ORDER BY heard_at) AS pause
    FROM (
        SELECT CASE WHEN $3::boolean THEN coalesce(at, received_at) ELSE received_at END AS heard_at
        FROM reading WHERE device_id = $1
    ) AS words
    WHERE heard_at > $2
) AS pauses;

-- name: suspicions
-- What was held against one sensor in the live generation and lasts or ended after a time, the newest first.
SELECT t.bay_id, t.device_id, t.kind, t.began_at, t.ended_at, t.reason, t.evidence
FROM suspicion t JOIN generation g ON g.area = t.area AND g.generation = t.generation AND g.status = 'live'
WHERE t.area = $1 AND t.device_id = $2 AND (t.ended_at IS NULL OR t.ended_at > $3)
ORDER BY t.began_at DESC, t.kind LIMIT $4;

-- name: shown
-- What is shown of a bay.
SELECT s.state, s.since, s.confidence, s.reason
FROM bay_state s JOIN generation g ON g.area = s.area AND g.generation = s.generation AND g.status = 'live'
WHERE s.area = $1 AND s.bay_id = $2;
