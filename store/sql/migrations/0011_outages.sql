-- Outages: many sensors of one gateway, or of the whole area, silent together.
CREATE TABLE outage (
    area       text NOT NULL,
    generation integer NOT NULL,
    sensors_of text NOT NULL,
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz CHECK (ended_at > began_at),
    noticed_at timestamptz NOT NULL CHECK (noticed_at > began_at),
    sensors    integer NOT NULL CHECK (sensors > 0),
    PRIMARY KEY (area, generation, sensors_of, began_at)
);
COMMENT ON TABLE outage IS 'Silence of many sensors at once, to five minutes; the silence of the pipeline itself is an entry of the log';
COMMENT ON COLUMN outage.sensors_of IS 'gateway/ID or area/ID';
COMMENT ON COLUMN outage.sensors IS 'How many sensors spoke until then';
