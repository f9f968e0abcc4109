-- What was missed is worked out: edges with their uncertainty, device clocks put right, a record of each sensor's words.
-- The rows of older generations stay readable; the engine builds a new generation, because its version is another.

ALTER TABLE device_fold
    DROP COLUMN confidence,
    ADD COLUMN inferred boolean NOT NULL DEFAULT false,
    ADD COLUMN uncertain_s double precision NOT NULL DEFAULT 0,
    ADD COLUMN earlier jsonb,
    ADD COLUMN stated_at timestamptz,
    ADD COLUMN stated double precision,
    ADD COLUMN clock_offset_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN doubt_behind_us bigint,
    ADD COLUMN doubt_received_at timestamptz,
    ADD COLUMN doubt_placed_at timestamptz,
    ADD COLUMN agreed bigint NOT NULL DEFAULT 0,
    ADD COLUMN missed bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost bigint NOT NULL DEFAULT 0;
ALTER TABLE device_checkpoint
    DROP COLUMN confidence,
    ADD COLUMN inferred boolean NOT NULL DEFAULT false,
    ADD COLUMN uncertain_s double precision NOT NULL DEFAULT 0,
    ADD COLUMN earlier jsonb,
    ADD COLUMN stated_at timestamptz,
    ADD COLUMN stated double precision,
    ADD COLUMN clock_offset_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN doubt_behind_us bigint,
    ADD COLUMN doubt_received_at timestamptz,
    ADD COLUMN doubt_placed_at timestamptz,
    ADD COLUMN agreed bigint NOT NULL DEFAULT 0,
    ADD COLUMN missed bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN device_fold.earlier IS 'Holdings before the present one whose ends may still be put right: [[state, since, before, reason, inferred, uncertain_s]]';
COMMENT ON COLUMN device_fold.stated IS 'The confidence that the last word about the bay gave itself';
COMMENT ON COLUMN device_fold.clock_offset_us IS 'Known error of the device''s clock: what must be added to the times it gives';

ALTER TABLE bay_interval
    ADD COLUMN inferred boolean NOT NULL DEFAULT false,
    ADD COLUMN uncertain_s double precision NOT NULL DEFAULT 0;
COMMENT ON COLUMN bay_interval.inferred IS 'started_at was worked out, from what was missed or from a wrong clock, rather than reported';

ALTER TABLE stay
    ADD COLUMN arrived_uncertain_s double precision NOT NULL DEFAULT 0,
    ADD COLUMN departed_uncertain_s double precision NOT NULL DEFAULT 0,
    DROP CONSTRAINT stay_arrival_check,
    DROP CONSTRAINT stay_departure_check,
    ADD CONSTRAINT stay_arrival_check CHECK (arrival IN ('observed', 'repaired', 'censored')),
    ADD CONSTRAINT stay_departure_check CHECK (departure IN ('observed', 'repaired', 'censored'));
