-- name: load_devices
-- Where every sensor stands.
SELECT device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated,
       clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost
FROM device_fold WHERE area = $1 AND generation = $2;

-- name: load_counts
-- Where every car park stands.
SELECT zone_id, doc FROM count_fold WHERE area = $1 AND generation = $2;

-- name: load_zones
-- What was last said of every zone.
SELECT zone_id, groups, free_min, free_max, as_of, source, confidence, coverage
FROM zone_state WHERE area = $1 AND generation = $2;

-- name: checkpoint_before
-- The newest checkpoint of a sensor before a key, with no word after a time.
SELECT device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated,
       clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost
FROM device_checkpoint
WHERE area = $1 AND generation = $2 AND device_id = $3 AND (incarnation, boot, seq) < ($4, $5, $6) AND as_of <= $7
ORDER BY incarnation DESC, boot DESC, seq DESC LIMIT 1;

-- name: frozen_checkpoint
-- The checkpoint of a sensor that the log does not go further back than.
SELECT device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated,
       clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost
FROM device_checkpoint WHERE area = $1 AND generation = $2 AND device_id = $3 AND frozen;

-- name: frozen_count_checkpoint
-- The checkpoint of a car park that the log does not go further back than.
SELECT doc FROM count_checkpoint WHERE area = $1 AND generation = $2 AND zone_id = $3 AND frozen;

-- name: frozen_devices
-- Up to which reading of a sensor nothing can be folded again.
SELECT device_id, incarnation, boot, seq FROM device_checkpoint WHERE area = $1 AND generation = $2 AND frozen;

-- name: frozen_car_parks
-- Up to when nothing of a car park can be counted again.
SELECT zone_id, at FROM count_checkpoint WHERE area = $1 AND generation = $2 AND frozen;

-- name: count_checkpoint_before
-- The newest checkpoint of a car park before a time.
SELECT doc FROM count_checkpoint WHERE area = $1 AND generation = $2 AND zone_id = $3 AND at < $4
ORDER BY at DESC LIMIT 1;

-- name: load_outages
-- The outages of a generation.
SELECT sensors_of, began_at, ended_at, noticed_at, sensors FROM outage WHERE area = $1 AND generation = $2;

-- name: open_stays
-- The stays that last.
SELECT bay_id, arrived_at, departed_at, arrival, departure, device_id, arrived_uncertain_s, departed_uncertain_s, rule_id, rule_version, limit_min
FROM stay WHERE area = $1 AND generation = $2 AND departed_at IS NULL;

-- name: stays_from
-- The stays of some bays, each bay's from an arrival on. Looked up bay by bay, which OFFSET 0 enforces: of a generation that
-- is being built nobody knows yet how large it is.
SELECT s.bay_id, s.arrived_at, s.departed_at, s.arrival, s.departure, s.device_id, s.arrived_uncertain_s,
       s.departed_uncertain_s, s.rule_id, s.rule_version, s.limit_min
FROM unnest($3::text[], $4::timestamptz[]) AS c (bay_id, arrived_from)
CROSS JOIN LATERAL (
    SELECT t.* FROM stay t WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = c.bay_id AND t.arrived_at >= c.arrived_from
    OFFSET 0
) AS s
ORDER BY s.bay_id, s.arrived_at;

-- name: allow_long_history
-- For the rest of the transaction: a long history takes its time to read and to fold, and cut off it would be tried for ever.
SELECT set_config('statement_timeout', '300000', true), set_config('idle_in_transaction_session_timeout', '900000', true);

-- name: count_events
-- What some gates said from a time on, up to a position; the exact time is judged by the reader. The position is looked up
-- by row: a join would be planned over all batches there are.
SELECT r.batch_id, r.device_id, r.incarnation, r.boot, r.seq, r.kind, r.at, r.age_ms, r.received_at, r.occupied, r.cause,
       r.prev_s, r.confidence, r.direction, r.count, r.capacity, coalesce(r.vehicle_token, r.visit::text)
FROM reading r
WHERE r.device_id = ANY($1::text[]) AND r.kind <> 'state' AND greatest(r.at, r.received_at) > $2
  AND (SELECT b.area = $3 AND b.position <= $4 FROM log_batch b WHERE b.batch_id = r.batch_id);
