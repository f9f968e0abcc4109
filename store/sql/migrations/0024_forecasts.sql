-- Forecasts as they were issued, and how good they were: records, never rebuilt.
CREATE TABLE forecast_places (
    places_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area      text NOT NULL,
    digest    bytea NOT NULL,
    places    jsonb NOT NULL,
    UNIQUE (area, digest)
);
COMMENT ON COLUMN forecast_places.places IS '[[zone, bay type, [rules]]]: what the numbers of an issue are of, in their order';

CREATE TABLE forecast_issue (
    area      text NOT NULL,
    issued_at timestamptz NOT NULL,
    data_to   timestamptz NOT NULL,
    model     text NOT NULL,
    places_id integer NOT NULL REFERENCES forecast_places,
    shares    bytea NOT NULL,
    PRIMARY KEY (area, issued_at),
    CHECK (data_to <= issued_at)
);
COMMENT ON COLUMN forecast_issue.data_to IS 'How far the evidence reached that it was made of';
COMMENT ON COLUMN forecast_issue.shares IS 'Shares and chances in thousandths, packed (occupancy/forecast/issue_bytes.py)';
ALTER TABLE forecast_issue ALTER COLUMN shares SET STORAGE EXTERNAL;

-- Sums over the forecasts of a zone's places whose time came on a civil day, by how far ahead they were.
CREATE TABLE forecast_score (
    area        text NOT NULL,
    day         date NOT NULL,
    horizon_min smallint NOT NULL,
    zone_id     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('ordinary', 'bank_holiday', 'event')),
    forecasts   integer NOT NULL CHECK (forecasts > 0),
    off         double precision NOT NULL,
    off_usual   double precision NOT NULL,
    off_now     double precision NOT NULL,
    pinball     double precision NOT NULL,
    inside      integer NOT NULL CHECK (inside BETWEEN 0 AND forecasts),
    brier       double precision NOT NULL,
    brier_usual double precision NOT NULL,
    brier_now   double precision NOT NULL,
    PRIMARY KEY (area, day, horizon_min, zone_id, kind)
);
COMMENT ON COLUMN forecast_score.off IS 'Absolute errors of the share of bays that are taken; of what is usual then; of how it was when the forecast was issued';
COMMENT ON COLUMN forecast_score.inside IS 'How often the truth lay in the band of 90 %';
COMMENT ON COLUMN forecast_score.brier IS 'Squared errors of the chance of a free bay; of how often there usually is one then; of whether there was one when it was issued';

-- The same forecasts by the tenth that the chance of a free bay lay in: what was said, and how often there was one.
CREATE TABLE forecast_chance (
    area        text NOT NULL,
    day         date NOT NULL,
    horizon_min smallint NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('ordinary', 'bank_holiday', 'event')),
    tenth       smallint NOT NULL CHECK (tenth BETWEEN 0 AND 9),
    forecasts   integer NOT NULL CHECK (forecasts > 0),
    said        double precision NOT NULL,
    came        integer NOT NULL CHECK (came BETWEEN 0 AND forecasts),
    PRIMARY KEY (area, day, horizon_min, kind, tenth)
);

CREATE TABLE forecast_scoring (
    area      text PRIMARY KEY,
    scored_to timestamptz NOT NULL
);
COMMENT ON COLUMN forecast_scoring.scored_to IS 'Forecasts for instants before it are in the sums; moved in the transaction that adds to them, so that each is scored once';

-- A hint to whoever answers from issues; the table is the truth.
CREATE FUNCTION notify_forecast() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('baycast_forecast', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notify_forecast AFTER INSERT ON forecast_issue FOR EACH STATEMENT EXECUTE FUNCTION notify_forecast();
