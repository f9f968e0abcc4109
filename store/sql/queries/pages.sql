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
