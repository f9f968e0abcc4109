-- name: position_at
-- The newest position whose watermark is no younger than an instant, of those that a generation has folded.
SELECT position, watermark FROM log_batch WHERE area = $1 AND watermark <= $2 AND position <= $3 ORDER BY position DESC LIMIT 1;

-- name: log_begins
-- Where an area's log begins; null: it is whole.
SELECT begins_at FROM log_head WHERE area = $1;

-- name: one_snapshot
-- What is copied from the live generation is of one moment; nobody waits for it.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: changes_after
-- The registry's documents that change after a position, with the car park of a gate.
SELECT DISTINCT split_part(e.key, '/', 1), substr(e.key, strpos(e.key, '/') + 1), e.doc ->> 'zone_id'
FROM log_entry e JOIN log_batch b USING (batch_id)
WHERE e.area = $1 AND e.kind = 'registry' AND b.position > $2;

-- name: first_words_after
-- The first reading of every device, in its own order, of those that come after a position and are not frozen.
WITH spoken AS (
    SELECT r.device_id, ARRAY[r.incarnation::bigint, r.boot, r.seq] AS key
    FROM log_batch b JOIN reading r USING (batch_id)
    WHERE b.area = $1 AND b.position > $3 AND b.readings > 0 AND r.kind IN ('state', 'health', 'boot')
), frozen AS (
    SELECT device_id, ARRAY[incarnation::bigint, boot, seq] AS key FROM device_checkpoint
    WHERE area = $1 AND generation = $2 AND frozen
)
SELECT s.device_id, min(s.key) FROM spoken s LEFT JOIN frozen f USING (device_id)
WHERE f.key IS NULL OR s.key > f.key GROUP BY s.device_id;

-- name: device_seeds
-- The newest checkpoint of every sensor that holds nothing of what comes from a key on (arrays; no key: none comes).
SELECT DISTINCT ON (c.device_id) c.device_id, c.incarnation, c.boot, c.seq
FROM device_checkpoint c
LEFT JOIN unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS l (device_id, incarnation, boot, seq) USING (device_id)
WHERE c.area = $1 AND c.generation = $2
  AND (l.device_id IS NULL OR c.frozen OR (c.incarnation, c.boot, c.seq) < (l.incarnation, l.boot, l.seq))
ORDER BY c.device_id, c.incarnation DESC, c.boot DESC, c.seq DESC;

-- name: first_events_after
-- From when on car parks may hear what comes after a position and is not frozen: from their gates (arrays), and recounts.
WITH event AS (
    SELECT g.zone_id, least(coalesce(r.at, r.received_at - coalesce(r.age_ms, 0) * interval '1 millisecond'), r.received_at) AS at
    FROM log_batch b JOIN reading r USING (batch_id)
    JOIN unnest($4::text[], $5::text[]) AS g (device_id, zone_id) USING (device_id)
    WHERE b.area = $1 AND b.position > $3 AND b.readings > 0
    UNION ALL
    SELECT e.key, (e.doc ->> 'at')::timestamptz FROM log_entry e JOIN log_batch b USING (batch_id)
    WHERE e.area = $1 AND e.kind = 'recount' AND b.position > $3
)
SELECT e.zone_id, min(e.at) FROM event e
LEFT JOIN count_checkpoint f ON f.area = $1 AND f.generation = $2 AND f.zone_id = e.zone_id AND f.frozen
WHERE f.at IS NULL OR e.at > f.at GROUP BY e.zone_id;

-- name: car_park_seeds
-- The newest checkpoint of every car park that holds nothing of what comes from a time on (arrays; no time: none comes).
SELECT DISTINCT ON (c.zone_id) c.zone_id, c.at
FROM count_checkpoint c
LEFT JOIN unnest($3::text[], $4::timestamptz[]) AS l (zone_id, at) USING (zone_id)
WHERE c.area = $1 AND c.generation = $2 AND (l.zone_id IS NULL OR c.frozen OR c.at < l.at)
ORDER BY c.zone_id, c.at DESC;

-- name: copy_device_checkpoints
-- Up to the seeds (arrays).
INSERT INTO device_checkpoint (
    area, generation, device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier,
    stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost, frozen
)
SELECT c.area, $3, c.device_id, c.incarnation, c.boot, c.seq, c.state, c.since, c.as_of, c.before, c.reason, c.folded, c.inferred,
       c.uncertain_s, c.earlier, c.stated_at, c.stated, c.clock_offset_us, c.doubt_behind_us, c.doubt_received_at, c.doubt_placed_at,
       c.agreed, c.missed, c.lost, c.frozen
FROM device_checkpoint c
JOIN unnest($4::text[], $5::integer[], $6::bigint[], $7::bigint[]) AS s (device_id, incarnation, boot, seq) USING (device_id)
WHERE c.area = $1 AND c.generation = $2 AND (c.incarnation, c.boot, c.seq) <= (s.incarnation, s.boot, s.seq);

-- name: copy_count_checkpoints
-- Up to the seeds (arrays).
INSERT INTO count_checkpoint (area, generation, zone_id, at, doc, frozen)
SELECT c.area, $3, c.zone_id, c.at, c.doc, c.frozen
FROM count_checkpoint c JOIN unnest($4::text[], $5::timestamptz[]) AS s (zone_id, at) USING (zone_id)
WHERE c.area = $1 AND c.generation = $2 AND c.at <= s.at;

-- name: copy_gone_devices
-- Where sensors stood that had spoken by a position and are not in the registry of then (array): if they come back, it is known.
INSERT INTO device_fold (
    area, generation, device_id, incarnation, boot, seq, state, since, as_of, before, reason, folded, inferred, uncertain_s, earlier,
    stated_at, stated, clock_offset_us, doubt_behind_us, doubt_received_at, doubt_placed_at, agreed, missed, lost
)
SELECT f.area, $3, f.device_id, f.incarnation, f.boot, f.seq, f.state, f.since, f.as_of, f.before, f.reason, f.folded, f.inferred,
       f.uncertain_s, f.earlier, f.stated_at, f.stated, f.clock_offset_us, f.doubt_behind_us, f.doubt_received_at, f.doubt_placed_at,
       f.agreed, f.missed, f.lost
FROM device_fold f
WHERE f.area = $1 AND f.generation = $2 AND f.device_id <> ALL ($5::text[])
  AND EXISTS (SELECT FROM reading r JOIN log_batch b USING (batch_id) WHERE r.device_id = f.device_id AND b.area = $1 AND b.position <= $4);

-- name: copy_bay_intervals
-- Rows by sensors, up to where their seeds begin to say something: the row that begins there, too, as it tells how the one before ended.
WITH seed AS (
    SELECT DISTINCT ON (device_id) device_id, coalesce((earlier -> 0 ->> 1)::timestamptz, since) AS from_at FROM device_checkpoint
    WHERE area = $1 AND generation = $3 ORDER BY device_id, incarnation DESC, boot DESC, seq DESC
)
INSERT INTO bay_interval (area, generation, bay_id, started_at, ended_at, state, reason, device_id, inferred, uncertain_s)
SELECT t.area, $3, t.bay_id, t.started_at, t.ended_at, t.state, t.reason, t.device_id, t.inferred, t.uncertain_s
FROM bay_interval t JOIN seed s USING (device_id)
WHERE t.area = $1 AND t.generation = $2 AND t.started_at <= s.from_at;

-- name: copy_stays
-- As bay_intervals.
WITH seed AS (
    SELECT DISTINCT ON (device_id) device_id, coalesce((earlier -> 0 ->> 1)::timestamptz, since) AS from_at FROM device_checkpoint
    WHERE area = $1 AND generation = $3 ORDER BY device_id, incarnation DESC, boot DESC, seq DESC
)
INSERT INTO stay (
    area, generation, bay_id, arrived_at, departed_at, arrival, departure, device_id, arrived_uncertain_s, departed_uncertain_s,
    rule_id, rule_version, limit_min
)
SELECT t.area, $3, t.bay_id, t.arrived_at, t.departed_at, t.arrival, t.departure, t.device_id, t.arrived_uncertain_s,
       t.departed_uncertain_s, t.rule_id, t.rule_version, t.limit_min
FROM stay t JOIN seed s USING (device_id)
WHERE t.area = $1 AND t.generation = $2 AND t.arrived_at < s.from_at;

-- name: copy_overstays
-- As stays.
WITH seed AS (
    SELECT DISTINCT ON (device_id) device_id, coalesce((earlier -> 0 ->> 1)::timestamptz, since) AS from_at FROM device_checkpoint
    WHERE area = $1 AND generation = $3 ORDER BY device_id, incarnation DESC, boot DESC, seq DESC
)
INSERT INTO overstay (
    area, generation, bay_id, arrived_at, device_id, rule_id, rule_version, limit_min, grace_min, over_from, over_to,
    candidate_at, confirmed_at, ended_at, state, evidence, exemptions, not_evidence
)
SELECT t.area, $3, t.bay_id, t.arrived_at, t.device_id, t.rule_id, t.rule_version, t.limit_min, t.grace_min, t.over_from, t.over_to, t.candidate_at,
       t.confirmed_at, t.ended_at, t.state, t.evidence, t.exemptions, t.not_evidence
FROM overstay t JOIN seed s USING (device_id)
WHERE t.area = $1 AND t.generation = $2 AND t.arrived_at < s.from_at;

-- name: copy_count_intervals
-- Rows of car parks, up to where their seeds begin to say something.
WITH seed AS (
    SELECT DISTINCT ON (zone_id) zone_id, (doc ->> 'since')::timestamptz AS from_at FROM count_checkpoint
    WHERE area = $1 AND generation = $3 ORDER BY zone_id, at DESC
)
INSERT INTO count_interval (area, generation, zone_id, started_at, ended_at, occupied, over, passages, spread, capacity, estimated)
SELECT t.area, $3, t.zone_id, t.started_at, t.ended_at, t.occupied, t.over, t.passages, t.spread, t.capacity, t.estimated
FROM count_interval t JOIN seed s USING (zone_id)
WHERE t.area = $1 AND t.generation = $2 AND t.started_at < s.from_at;

-- name: copy_outages
-- Those that were known at a watermark, as they stood then.
INSERT INTO outage (area, generation, sensors_of, began_at, ended_at, noticed_at, sensors)
SELECT area, $3, sensors_of, began_at, CASE WHEN ended_at <= $4 THEN ended_at END, noticed_at, sensors
FROM outage WHERE area = $1 AND generation = $2 AND noticed_at <= $4;

-- name: copy_suspicions
-- Those that had begun by a watermark, as they stood then. What sensors said may be ahead of the watermark, and what is implausible
-- follows from it: of states from before a sensor's seed that is copied to its end.
WITH seed AS (
    SELECT DISTINCT ON (device_id) device_id, coalesce((earlier -> 0 ->> 1)::timestamptz, since) AS from_at FROM device_checkpoint
    WHERE area = $1 AND generation = $3 ORDER BY device_id, incarnation DESC, boot DESC, seq DESC
), said AS (
    SELECT t.*, CASE WHEN t.kind = 'implausible' THEN s.from_at END AS folded_to
    FROM suspicion t LEFT JOIN seed s USING (device_id) WHERE t.area = $1 AND t.generation = $2
)
INSERT INTO suspicion (area, generation, bay_id, device_id, kind, began_at, ended_at, reason, evidence)
SELECT area, $3, bay_id, device_id, kind, began_at, CASE WHEN ended_at <= greatest($4, folded_to) THEN ended_at END, reason, evidence
FROM said WHERE began_at <= $4 OR began_at < folded_to;

-- name: copy_zones
-- What was said of zones by a position and holds still.
INSERT INTO zone_state (
    area, generation, zone_id, version, capacity, free, occupied, unknown, closed, free_min, free_max, groups, as_of, source, confidence,
    coverage
)
SELECT area, $3, zone_id, version, capacity, free, occupied, unknown, closed, free_min, free_max, groups, as_of, source, confidence, coverage
FROM zone_state WHERE area = $1 AND generation = $2 AND version <= $4;

-- name: copy_cells
-- Those that were over at a watermark's cell.
INSERT INTO zone_cell (area, generation, zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, arrivals, departures)
SELECT area, $3, zone_id, cell_at, free_s, occupied_s, unknown_s, closed_s, arrivals, departures
FROM zone_cell WHERE area = $1 AND generation = $2 AND cell_at < $4;

-- name: copy_history_hours
-- Hours that were over at a watermark's hour; those that are final are records, which every generation is held against.
INSERT INTO history_hour (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, usable_us, some_free_us,
    all_taken_us, peak_us, arrivals, departures, stay_min, stay_count, stays_sum_s, censored, over_candidates, over_confirmed, over_s)
SELECT t.series_id, $3, t.hour_at, t.in_service_us, t.free_us, t.occupied_us, t.closed_us, t.usable_us, t.some_free_us,
    t.all_taken_us, t.peak_us, t.arrivals, t.departures, t.stay_min, t.stay_count, t.stays_sum_s, t.censored, t.over_candidates, t.over_confirmed, t.over_s
FROM history_hour t JOIN history_series s USING (series_id)
WHERE s.area = $1 AND t.generation = $2 AND t.hour_at < $4;

-- name: copy_history_slots
-- Their five minutes.
INSERT INTO history_slots (series_id, generation, hour_at, in_service_us, free_us, occupied_us, closed_us, arrivals, departures)
SELECT t.series_id, $3, t.hour_at, t.in_service_us, t.free_us, t.occupied_us, t.closed_us, t.arrivals, t.departures
FROM history_slots t JOIN history_series s USING (series_id)
WHERE s.area = $1 AND t.generation = $2 AND t.hour_at < $4;
