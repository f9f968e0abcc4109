-- What is learnt from closed days is one entry a day and area, whoever works it out.
CREATE UNIQUE INDEX log_entry_learnt ON log_entry (area, key) WHERE kind = 'learnt';
COMMENT ON COLUMN log_entry.key IS 'For a registry change kind/id, as in bay/queen-st-014; for an outage its start; for a recount the car park; for what is learnt the civil day';

-- Sensors that are not to be believed for a while. Intervals and stays beside it stay as the sensors said.
CREATE TABLE suspicion (
    area       text NOT NULL,
    generation integer NOT NULL,
    bay_id     text NOT NULL,
    device_id  text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('implausible', 'chatter', 'crosstalk', 'drift')),
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz CHECK (ended_at > began_at),
    reason     text NOT NULL,
    evidence   jsonb NOT NULL,
    PRIMARY KEY (area, generation, bay_id, device_id, kind, began_at)
);
COMMENT ON COLUMN suspicion.kind IS 'implausible: a state lasts too long; chatter: too many short spells; crosstalk: it echoes a neighbour; drift: its share of taken time left what is usual';
