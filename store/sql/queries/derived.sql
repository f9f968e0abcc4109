-- name: ensure_live
-- The first generation of an area.
INSERT INTO generation (area, generation, status, engine_version)
SELECT $1, 1, 'live', $2 WHERE NOT EXISTS (SELECT FROM generation WHERE area = $1)
ON CONFLICT DO NOTHING;

-- name: live_engine_version
-- The version of the engine that folded the rows which answers come from.
SELECT engine_version FROM generation WHERE area = $1 AND status = 'live';

-- name: live_generation
-- The generation that answers come from, with its cursor.
SELECT generation, position, watermark, version, begins_at, kept_from FROM generation WHERE area = $1 AND status = 'live';

-- name: start_building
-- A new generation beside the live one, whose cursor is at a position with its watermark.
INSERT INTO generation (area, generation, status, engine_version, position, watermark, version, begins_at, kept_from)
SELECT $1, max(g.generation) + 1, 'building', $2, $3, $4, least($3, max(g.version) FILTER (WHERE g.status = 'live')),
       (SELECT begins_at FROM log_head WHERE area = $1), (SELECT kept_from FROM log_head WHERE area = $1)
FROM generation g WHERE g.area = $1 HAVING count(*) > 0
RETURNING generation;

-- name: generation_cursor
-- One generation's cursor.
SELECT generation, position, watermark, version, begins_at, kept_from FROM generation WHERE area = $1 AND generation = $2;

-- name: lock_live
-- Holds the live generation still for a switch.
SELECT generation, position FROM generation WHERE area = $1 AND status = 'live' FOR UPDATE;

-- name: retire
-- The generation that was live.
UPDATE generation SET status = 'retired' WHERE area = $1 AND generation = $2;

-- name: promote
-- The generation that answers come from now.
UPDATE generation SET status = 'live' WHERE area = $1 AND generation = $2 AND status = 'building';

-- name: retired_generations
-- Generations whose rows may go: replaced, or left behind by a rebuild that did not finish.
SELECT generation FROM generation WHERE area = $1 AND status <> 'live' AND generation <> $2 ORDER BY generation;

-- name: drop_generation
-- The generation's own row, after its rows.
DELETE FROM generation WHERE area = $1 AND generation = $2 AND status <> 'live';

-- name: move_cursor
-- Compare-and-swap: whoever finds no row has lost the race and must load again.
UPDATE generation SET position = $4, watermark = $5, version = $6
WHERE area = $1 AND generation = $2 AND position = $3 AND (begins_at, kept_from) IS NOT DISTINCT FROM ($7::timestamptz, $8::timestamptz)
  AND status IN ('live', 'building');

-- name: notify_feed
-- A hint for the followers; their cursor is the truth.
SELECT pg_notify('baycast_feed', $1);

-- name: registry_at
-- The registry and the overrides as the log has them at a position.
SELECT DISTINCT ON (e.kind, e.key) e.kind, e.key, e.doc
FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind IN ('registry', 'override') AND b.position <= $2
ORDER BY e.kind, e.key, b.position DESC, e.ordinal DESC;

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

-- name: cut_bay_intervals
-- What a page replaces, and what it said. Looked up key by key, which OFFSET 0 enforces, here and below: of a generation that
-- the statistics do not know yet the planner expects one row, and would read all there are for every page.
DELETE FROM bay_interval WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS c (bay_id, device_id, cut)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM bay_interval b WHERE b.area = $1 AND b.generation = $2 AND b.bay_id = c.bay_id AND b.device_id = c.device_id
          AND b.started_at >= c.cut OFFSET 0
    ) AS t
))
RETURNING bay_id, device_id, started_at, ended_at, state;

-- name: cut_stays
-- What a page replaces, and what it said.
DELETE FROM stay WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS c (bay_id, device_id, cut)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM stay b WHERE b.area = $1 AND b.generation = $2 AND b.bay_id = c.bay_id AND b.device_id = c.device_id
          AND b.arrived_at >= c.cut OFFSET 0
    ) AS t
))
RETURNING bay_id, arrived_at, departed_at, arrival, departure;

-- name: cut_overstays
-- What a page replaces, and what it said; of all devices where none is named.
DELETE FROM overstay t USING unnest($3::text[], $4::text[], $5::timestamptz[]) AS c (bay_id, device_id, cut)
WHERE t.area = $1 AND t.generation = $2 AND t.bay_id = c.bay_id AND t.arrived_at >= c.cut
  AND t.device_id = coalesce(c.device_id, t.device_id)
RETURNING t.bay_id, t.arrived_at, t.over_from, t.over_to, t.ended_at, t.state <> 'candidate';

-- name: load_outages
-- The outages of a generation.
SELECT sensors_of, began_at, ended_at, noticed_at, sensors FROM outage WHERE area = $1 AND generation = $2;

-- name: drop_outages
-- Outages that a page writes anew, or that were none after all.
DELETE FROM outage t USING unnest($3::text[], $4::timestamptz[]) AS o (sensors_of, began_at)
WHERE t.area = $1 AND t.generation = $2 AND t.sensors_of = o.sensors_of AND t.began_at = o.began_at;

-- name: copy_outages
-- Outages in bulk.
COPY outage (area, generation, sensors_of, began_at, ended_at, noticed_at, sensors) FROM STDIN (FORMAT BINARY);

-- name: copy_overstays
-- Overstays in bulk.
COPY overstay (area, generation, bay_id, arrived_at, device_id, rule_id, rule_version, limit_min, grace_min, over_from, over_to, candidate_at, confirmed_at, ended_at, state, evidence, exemptions, not_evidence) FROM STDIN (FORMAT BINARY);

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

-- name: stamp_stays
-- The rule in force at arrival, worked out anew.
UPDATE stay s SET rule_id = c.rule_id, rule_version = c.rule_version, limit_min = c.limit_min
FROM unnest($3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::integer[]) AS c (bay_id, arrived_at, rule_id, rule_version, limit_min)
WHERE s.area = $1 AND s.generation = $2 AND s.bay_id = c.bay_id AND s.arrived_at = c.arrived_at
  AND (s.rule_id, s.rule_version, s.limit_min) IS DISTINCT FROM (c.rule_id, c.rule_version, c.limit_min);

-- name: cut_count_intervals
-- What a page replaces, and what it said.
DELETE FROM count_interval WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::timestamptz[]) AS c (zone_id, cut)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM count_interval b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = c.zone_id AND b.started_at >= c.cut OFFSET 0
    ) AS t
))
RETURNING zone_id, started_at, ended_at, occupied, capacity;

-- name: cut_checkpoints
-- Checkpoints that a late reading has made void.
DELETE FROM device_checkpoint WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS c (device_id, incarnation, boot, seq)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM device_checkpoint b WHERE b.area = $1 AND b.generation = $2 AND b.device_id = c.device_id
          AND (b.incarnation, b.boot, b.seq) > (c.incarnation, c.boot, c.seq) OFFSET 0
    ) AS t
));

-- name: cut_count_checkpoints
-- Checkpoints that a late event has made void.
DELETE FROM count_checkpoint WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::timestamptz[]) AS c (zone_id, cut)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM count_checkpoint b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = c.zone_id AND b.at > c.cut OFFSET 0
    ) AS t
));

-- name: cut_cells
-- Cells of some zones, each in [start, until).
DELETE FROM zone_cell WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS c (zone_id, start, until)
    CROSS JOIN LATERAL (
        SELECT b.ctid FROM zone_cell b WHERE b.area = $1 AND b.generation = $2 AND b.zone_id = c.zone_id
          AND b.cell_at >= c.start AND b.cell_at < c.until OFFSET 0
    ) AS t
));

-- name: drop_devices
-- Device folds that a page writes anew.
DELETE FROM device_fold WHERE area = $1 AND generation = $2 AND device_id = ANY($3::text[]);

-- name: drop_counts
-- Car park folds that a page writes anew.
DELETE FROM count_fold WHERE area = $1 AND generation = $2 AND zone_id = ANY($3::text[]);

-- name: drop_bay_states
-- Bay states that a page writes anew.
DELETE FROM bay_state WHERE area = $1 AND generation = $2 AND bay_id = ANY($3::text[]);

-- name: drop_zones
-- Zone states that a page writes anew.
DELETE FROM zone_state WHERE area = $1 AND generation = $2 AND zone_id = ANY($3::text[]);

-- name: copy_devices
-- Device folds in bulk.
COPY device_fold (area, generation, device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost) FROM STDIN (FORMAT BINARY);

-- name: copy_checkpoints
-- Checkpoints in bulk.
COPY device_checkpoint (area, generation, device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost) FROM STDIN (FORMAT BINARY);

-- name: copy_bay_intervals
-- Intervals in bulk.
COPY bay_interval (area, generation, bay_id, started_at, ended_at, state, reason, device_id, inferred, uncertain_s) FROM STDIN (FORMAT BINARY);

-- name: copy_stays
-- Stays in bulk.
COPY stay (
    area, generation, bay_id, arrived_at, departed_at, arrival, departure, device_id, arrived_uncertain_s, departed_uncertain_s,
    rule_id, rule_version, limit_min
) FROM STDIN (FORMAT BINARY);

-- name: copy_count_intervals
-- Counts in bulk.
COPY count_interval (area, generation, zone_id, started_at, ended_at, occupied, over, passages, spread, capacity, estimated) FROM STDIN (FORMAT BINARY);

-- name: copy_counts
-- Car park folds in bulk.
COPY count_fold (area, generation, zone_id, doc) FROM STDIN (FORMAT BINARY);

-- name: copy_count_checkpoints
-- Car park checkpoints in bulk.
COPY count_checkpoint (area, generation, zone_id, at, doc) FROM STDIN (FORMAT BINARY);

-- name: copy_bay_states
-- Bay states in bulk.
COPY bay_state (area, generation, bay_id, state, since, as_of, confidence, reason, device_id) FROM STDIN (FORMAT BINARY);

-- name: copy_zones
-- Zone states in bulk.
COPY zone_state (area, generation, zone_id, version, capacity, free, occupied, unknown, closed, free_min, free_max, groups, as_of, source, confidence, coverage) FROM STDIN (FORMAT BINARY);

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

-- name: empty_device_fold
-- The rows of a generation that is no longer live.
DELETE FROM device_fold WHERE area = $1 AND generation = $2;

-- name: empty_device_checkpoint
-- The rows of a generation that is no longer live.
DELETE FROM device_checkpoint WHERE area = $1 AND generation = $2;

-- name: empty_count_fold
-- The rows of a generation that is no longer live.
DELETE FROM count_fold WHERE area = $1 AND generation = $2;

-- name: empty_count_checkpoint
-- The rows of a generation that is no longer live.
DELETE FROM count_checkpoint WHERE area = $1 AND generation = $2;

-- name: empty_bay_interval
-- The rows of a generation that is no longer live.
DELETE FROM bay_interval WHERE area = $1 AND generation = $2;

-- name: empty_bay_state
-- The rows of a generation that is no longer live.
DELETE FROM bay_state WHERE area = $1 AND generation = $2;

-- name: empty_stay
-- The rows of a generation that is no longer live.
DELETE FROM stay WHERE area = $1 AND generation = $2;

-- name: empty_suspicion
-- A generation that is no longer live.
DELETE FROM suspicion WHERE area = $1 AND generation = $2;

-- name: empty_outage
-- The rows of a generation that is no longer live.
DELETE FROM outage WHERE area = $1 AND generation = $2;

-- name: empty_overstay
-- The rows of a generation that is no longer live.
DELETE FROM overstay WHERE area = $1 AND generation = $2;

-- name: empty_count_interval
-- The rows of a generation that is no longer live.
DELETE FROM count_interval WHERE area = $1 AND generation = $2;

-- name: empty_zone_state
-- The rows of a generation that is no longer live.
DELETE FROM zone_state WHERE area = $1 AND generation = $2;

-- name: empty_zone_cell
-- The rows of a generation that is no longer live.
DELETE FROM zone_cell WHERE area = $1 AND generation = $2;

-- name: empty_history_hour
-- The rows of a generation that is no longer live.
DELETE FROM history_hour h USING history_series s WHERE s.area = $1 AND h.series_id = s.series_id AND h.generation = $2;

-- name: empty_history_slots
-- The rows of a generation that is no longer live.
DELETE FROM history_slots h USING history_series s WHERE s.area = $1 AND h.series_id = s.series_id AND h.generation = $2;

-- name: try_engine_lock
-- Held by the engine that works; the others stand by.
SELECT pg_try_advisory_lock($1);

-- name: digest_device_fold
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost)::text, 0)::numeric), 0)
FROM device_fold WHERE area = $1 AND generation = $2;

-- name: digest_device_checkpoint
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier, stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost)::text, 0)::numeric), 0)
FROM device_checkpoint WHERE area = $1 AND generation = $2;

-- name: digest_count_fold
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(zone_id, doc)::text, 0)::numeric), 0)
FROM count_fold WHERE area = $1 AND generation = $2;

-- name: digest_count_checkpoint
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(zone_id, at, doc)::text, 0)::numeric), 0)
FROM count_checkpoint WHERE area = $1 AND generation = $2;

-- name: digest_bay_interval
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(bay_id, started_at, ended_at, state, reason, device_id, inferred, uncertain_s)::text, 0)::numeric), 0)
FROM bay_interval WHERE area = $1 AND generation = $2;

-- name: digest_bay_state
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(bay_id, state, since, as_of, confidence, reason, device_id)::text, 0)::numeric), 0)
FROM bay_state WHERE area = $1 AND generation = $2;

-- name: digest_stay
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(bay_id, arrived_at, departed_at, arrival, departure, device_id, arrived_uncertain_s, departed_uncertain_s, rule_id, rule_version, limit_min)::text, 0)::numeric), 0)
FROM stay WHERE area = $1 AND generation = $2;

-- name: digest_suspicion
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(bay_id, device_id, kind, began_at, ended_at, reason, evidence)::text, 0)::numeric), 0)
FROM suspicion WHERE area = $1 AND generation = $2;

-- name: digest_outage
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(sensors_of, began_at, ended_at, noticed_at, sensors)::text, 0)::numeric), 0)
FROM outage WHERE area = $1 AND generation = $2;

-- name: digest_overstay
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(bay_id, arrived_at, device_id, rule_id, rule_version, limit_min, grace_min, over_from, over_to, candidate_at, confirmed_at, ended_at, state, evidence, exemptions, not_evidence)::text, 0)::numeric), 0)
FROM overstay WHERE area = $1 AND generation = $2;

-- name: digest_count_interval
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(zone_id, started_at, ended_at, occupied, over, passages, spread, capacity, estimated)::text, 0)::numeric), 0)
FROM count_interval WHERE area = $1 AND generation = $2;

-- name: digest_zone_state
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(zone_id, version, capacity, free, occupied, unknown, closed, free_min, free_max, groups, as_of, source, confidence, coverage)::text, 0)::numeric), 0)
FROM zone_state WHERE area = $1 AND generation = $2;

-- name: digest_zone_cell
-- Number and hash of a generation's rows, whatever their order.
SELECT count(*), coalesce(sum(hashtextextended(ROW(zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, arrivals, departures)::text, 0)::numeric), 0)
FROM zone_cell WHERE area = $1 AND generation = $2;

-- name: digest_history_hour
-- Number and hash of a generation's rows, whatever their order. Hours that are final are records.
SELECT count(*), coalesce(sum(hashtextextended(ROW(series_id, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us, all_taken_us, peak_us, arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s)::text, 0)::numeric), 0)
FROM history_hour JOIN history_series s USING (series_id)
WHERE area = $1 AND generation = $2
  AND hour_at >= coalesce((SELECT f.final_to FROM history_finality f WHERE f.area = $1), '-infinity');

-- name: digest_history_slots
-- Number and hash of a generation's rows, whatever their order. Hours that are final are records.
SELECT count(*), coalesce(sum(hashtextextended(ROW(series_id, hour_at, in_service_us, free_us, occupied_us, closed_us, arrivals, departures)::text, 0)::numeric), 0)
FROM history_slots JOIN history_series s USING (series_id)
WHERE area = $1 AND generation = $2
  AND hour_at >= coalesce((SELECT f.final_to FROM history_finality f WHERE f.area = $1), '-infinity');

-- name: try_rebuild_lock
-- One rebuild of an area at a time; held until it is done or the session ends.
SELECT pg_try_advisory_lock($1, hashtext($2));

-- name: release_rebuild_lock
-- The rebuild is done.
SELECT pg_advisory_unlock($1, hashtext($2));

-- name: position_before
-- The newest position of an area's log whose watermark is older than $2 seconds before the newest; null for none.
SELECT max(b.position) FROM log_head h JOIN log_batch b USING (area)
WHERE h.area = $1 AND b.watermark <= h.watermark - make_interval(secs => $2);
