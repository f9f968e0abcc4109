-- name: lock
-- Who enters looks waits for whoever does; readers wait for nobody.
LOCK TABLE survey_look IN SHARE ROW EXCLUSIVE MODE;

-- name: known
-- Looks that are there already, by their place in what is given, with what was seen.
SELECT w.number, l.occupied
FROM unnest($2::text[], $3::timestamptz[]) WITH ORDINALITY AS w (bay_id, seen_at, number)
JOIN survey_look l ON (l.area, l.bay_id, l.seen_at, l.surveyor) = ($1, w.bay_id, w.seen_at, $4);

-- name: enter
-- Looks of one surveyor that are not there yet.
INSERT INTO survey_look (area, bay_id, seen_at, surveyor, occupied, entered_by, entered_at)
SELECT $1, w.bay_id, w.seen_at, $4, w.occupied, $6, $7
FROM unnest($2::text[], $3::timestamptz[], $5::boolean[]) AS w (bay_id, seen_at, occupied);

-- name: any
-- Whether there is a look in [start, end).
SELECT EXISTS (SELECT FROM survey_look WHERE area = $1 AND seen_at >= $2 AND seen_at < $3);

-- name: judged
-- The newest looks of an area in [start, until), each beside what the live generation says of its bay then, and counted by bay,
-- sensor (of bindings given as arrays) and outcome. `turned`: both free and taken are said within so much time of the look. What
-- a suspect sensor said, and what lies beyond the watermark, is not said.
SELECT l.bay_id, b.device_id, l.occupied, said.state, coalesce(said.turned, false), count(*), min(l.seen_at), max(l.seen_at)
FROM (SELECT bay_id, seen_at, occupied FROM survey_look
      WHERE area = $1 AND seen_at >= $2 AND seen_at < $3 AND ($10::text[] IS NULL OR bay_id = ANY($10))
      ORDER BY seen_at DESC LIMIT $5) AS l
LEFT JOIN unnest($6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[]) AS b (bay_id, device_id, start, until)
       ON b.bay_id = l.bay_id AND (b.start IS NULL OR b.start <= l.seen_at) AND (b.until IS NULL OR l.seen_at < b.until)
LEFT JOIN generation g ON g.area = $1 AND g.status = 'live' AND l.seen_at < g.watermark
LEFT JOIN LATERAL (
    SELECT min(n.state) FILTER (WHERE n.started_at <= l.seen_at AND (n.ended_at IS NULL OR n.ended_at > l.seen_at)) AS state,
           bool_or(n.state = 'free') AND bool_or(n.state = 'occupied') AS turned
    FROM (
        (SELECT t.started_at, t.ended_at, t.state, t.device_id FROM bay_interval t
         WHERE t.area = $1 AND t.generation = g.generation AND t.bay_id = l.bay_id AND t.started_at <= l.seen_at - $4::interval
         ORDER BY t.started_at DESC LIMIT 1)
        UNION ALL
        (SELECT t.started_at, t.ended_at, t.state, t.device_id FROM bay_interval t
         WHERE t.area = $1 AND t.generation = g.generation AND t.bay_id = l.bay_id
           AND t.started_at > l.seen_at - $4::interval AND t.started_at <= l.seen_at + $4::interval)
    ) AS n
    WHERE (n.ended_at IS NULL OR n.ended_at >= l.seen_at - $4::interval) AND NOT EXISTS (
        SELECT FROM suspicion s
        WHERE s.area = $1 AND s.generation = g.generation AND s.bay_id = l.bay_id AND s.device_id = n.device_id
          AND s.began_at <= l.seen_at AND (s.ended_at IS NULL OR s.ended_at > l.seen_at))
) AS said ON true
GROUP BY 1, 2, 3, 4, 5;
