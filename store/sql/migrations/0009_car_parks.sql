-- Car parks whose count drifts: how sure a count is, what capacity was in use, recounts by an operator, and vehicle
-- tokens that are forgotten after the longest stay.
ALTER TABLE count_interval
    ADD COLUMN spread integer NOT NULL DEFAULT 0 CHECK (spread >= 0),
    ADD COLUMN capacity integer,
    ADD COLUMN estimated boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN count_interval.spread IS 'Half the width of the interval around occupied that is to hold the truth, in vehicles';
COMMENT ON COLUMN count_interval.capacity IS 'What the car park''s own system said of its capacity; NULL: the registry''s holds';
COMMENT ON COLUMN count_interval.estimated IS 'A silent gate was bridged by its usual flow since the last count';

-- What was kept of the counting is of another form: the next absolute count begins it anew, or a rebuild does.
DELETE FROM count_fold;
DELETE FROM count_checkpoint;

ALTER TABLE log_entry DROP CONSTRAINT log_entry_kind_check;
ALTER TABLE log_entry ADD CONSTRAINT log_entry_kind_check
    CHECK (kind IN ('registry', 'outage', 'override', 'recount', 'learnt'));
COMMENT ON COLUMN log_entry.key IS 'For a registry change kind/id, as in bay/queen-st-014; for an outage its start; for a recount the car park';

-- A token stands in this one place. When it is forgotten, all readings that had it get a number in its place: that two of
-- them were one vehicle stays known, so that a rebuild gives the same rows, and which vehicle does not.
CREATE SEQUENCE visit_number;
ALTER TABLE reading ADD COLUMN visit bigint;
COMMENT ON COLUMN reading.visit IS 'In place of a forgotten vehicle_token: equal where the tokens were';
CREATE INDEX reading_by_token ON reading (vehicle_token) WHERE vehicle_token IS NOT NULL;
CREATE INDEX log_entry_recounts ON log_entry (area, key) WHERE kind = 'recount';
