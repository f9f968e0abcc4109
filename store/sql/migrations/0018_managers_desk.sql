-- What people saw on the street: records, held against what history says of the same bays and moments. And what admins decide
-- about refused messages.

CREATE TABLE survey_look (
    area       text NOT NULL,
    bay_id     text NOT NULL,
    seen_at    timestamptz NOT NULL,
    surveyor   text NOT NULL,
    occupied   boolean,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (area, bay_id, seen_at, surveyor)
);
CREATE INDEX survey_look_by_time ON survey_look (area, seen_at);
COMMENT ON TABLE survey_look IS 'Records: never rebuilt, never changed. One look at one bay';
COMMENT ON COLUMN survey_look.occupied IS 'NULL: the surveyor could not tell';

ALTER TABLE quarantine
    ADD COLUMN replay_asked_at timestamptz,
    ADD COLUMN replay_refused_at timestamptz,
    ADD COLUMN discarded_at timestamptz,
    ADD COLUMN discard_reason text;
CREATE INDEX quarantine_asked ON quarantine (id) WHERE replay_asked_at IS NOT NULL;
COMMENT ON COLUMN quarantine.replay_asked_at IS 'An admin asked for it to be tried again, which ingest has not done yet';
COMMENT ON COLUMN quarantine.replay_refused_at IS 'Tried again when asked, and refused for the same reason as before';
COMMENT ON COLUMN quarantine.discarded_at IS 'An admin decided that nothing will come of it; its payload is gone';
