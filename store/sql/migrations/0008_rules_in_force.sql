-- Overrides: entries of the log like registry changes, with a projection of how they stand.
ALTER TABLE log_entry DROP CONSTRAINT log_entry_kind_check;
ALTER TABLE log_entry ADD CONSTRAINT log_entry_kind_check CHECK (kind IN ('registry', 'outage', 'override'));

CREATE TABLE override (
    id         text PRIMARY KEY,
    area       text NOT NULL,
    doc        jsonb NOT NULL,
    batch_id   bigint NOT NULL,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL
);
CREATE INDEX override_by_area ON override (area);
COMMENT ON TABLE override IS 'A projection of the log''s overrides, written in the same transaction; what was withdrawn is in the log only';

-- The rule in force at arrival, for a general driver.
ALTER TABLE stay ADD COLUMN rule_id text, ADD COLUMN limit_min integer CHECK (limit_min > 0);
COMMENT ON COLUMN stay.limit_min IS 'NULL: no limit was in force at arrival';
CREATE INDEX stay_open ON stay (area, generation) WHERE departed_at IS NULL;

CREATE TABLE overstay (
    area         text NOT NULL,
    generation   integer NOT NULL,
    bay_id       text NOT NULL,
    arrived_at   timestamptz NOT NULL,
    device_id    text NOT NULL,
    rule_id      text NOT NULL,
    limit_min    integer NOT NULL CHECK (limit_min > 0),
    grace_min    integer NOT NULL CHECK (grace_min >= 0),
    over_from    timestamptz NOT NULL,
    over_to      timestamptz,
    candidate_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at     timestamptz,
    state        text NOT NULL CHECK (state IN ('candidate', 'confirmed', 'published')),
    evidence     text NOT NULL,
    exemptions   text[] NOT NULL,
    not_evidence boolean NOT NULL DEFAULT true CHECK (not_evidence),
    PRIMARY KEY (area, generation, bay_id, arrived_at),
    CHECK (over_from > arrived_at AND candidate_at >= over_from),
    CHECK (ended_at >= candidate_at),
    CHECK (over_to > candidate_at),
    CHECK (state = 'candidate' OR confirmed_at >= candidate_at)
);
CREATE INDEX overstay_by_time ON overstay (area, generation, over_from);
COMMENT ON TABLE overstay IS 'Stays longer than the limit in force. Not evidence of a contravention: no sensor sees a permit, a badge or a payment';
COMMENT ON COLUMN overstay.over_to IS 'When the limit ceases to apply: minutes over are counted to there, or to ended_at';
COMMENT ON COLUMN overstay.confirmed_at IS 'Up to when a word of the sensor after limit and grace says that the vehicle was there; no later than over_to';
