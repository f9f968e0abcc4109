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
