-- What people saw on the street: records, held against what history says of the same bays and moments.

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
