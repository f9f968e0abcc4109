-- Derived tables: a pure function of the log, by generation. They can be dropped and rebuilt (L3).

CREATE TABLE generation (
    area           text NOT NULL,
    generation     integer NOT NULL,
    position       bigint NOT NULL DEFAULT 0,
    watermark      timestamptz,
    version        bigint NOT NULL DEFAULT 0,
    status         text NOT NULL CHECK (status IN ('building', 'live', 'retired')),
    engine_version text NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (area, generation)
);
CREATE UNIQUE INDEX generation_live ON generation (area) WHERE status = 'live';
COMMENT ON COLUMN generation.position IS 'The engine''s cursor, moved by compare-and-swap in the transaction that writes the rows';
COMMENT ON COLUMN generation.version IS 'Position of the newest change that the feed shows';

CREATE TABLE device_fold (
    area        text NOT NULL,
    generation  integer NOT NULL,
    device_id   text NOT NULL,
    incarnation integer NOT NULL,
    boot        bigint NOT NULL,
    seq         bigint NOT NULL,
    state       text NOT NULL,
    since       timestamptz NOT NULL,
    as_of       timestamptz NOT NULL,
    before      text NOT NULL,
    confidence  double precision NOT NULL,
    reason      text NOT NULL,
    folded      bigint NOT NULL,
    PRIMARY KEY (area, generation, device_id)
);

CREATE TABLE device_checkpoint (LIKE device_fold);
ALTER TABLE device_checkpoint ADD PRIMARY KEY (area, generation, device_id, incarnation, boot, seq);

COMMENT ON COLUMN device_fold.state IS 'What the device last said; since when; the state before; as_of is its last word of any kind';

-- The counting of a car park: where it stands, with the last events kept so that a slightly late one finds its place.
CREATE TABLE count_fold (
    area       text NOT NULL,
    generation integer NOT NULL,
    zone_id    text NOT NULL,
    doc        jsonb NOT NULL,
    PRIMARY KEY (area, generation, zone_id)
);

CREATE TABLE count_checkpoint (
    area       text NOT NULL,
    generation integer NOT NULL,
    zone_id    text NOT NULL,
    at         timestamptz NOT NULL,
    doc        jsonb NOT NULL,
    PRIMARY KEY (area, generation, zone_id, at)
);

CREATE TABLE bay_interval (
    area       text NOT NULL,
    generation integer NOT NULL,
    bay_id     text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    state      text NOT NULL CHECK (state IN ('free', 'occupied', 'unknown')),
    reason     text NOT NULL,
    device_id  text NOT NULL,
    PRIMARY KEY (area, generation, bay_id, started_at),
    CHECK (ended_at > started_at)
);

CREATE TABLE bay_state (
    area       text NOT NULL,
    generation integer NOT NULL,
    bay_id     text NOT NULL,
    state      text NOT NULL CHECK (state IN ('free', 'occupied', 'unknown', 'closed')),
    since      timestamptz,
    as_of      timestamptz,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    reason     text NOT NULL,
    device_id  text,
    PRIMARY KEY (area, generation, bay_id)
);

CREATE TABLE stay (
    area        text NOT NULL,
    generation  integer NOT NULL,
    bay_id      text NOT NULL,
    arrived_at  timestamptz NOT NULL,
    departed_at timestamptz,
    arrival     text NOT NULL CHECK (arrival IN ('observed', 'censored')),
    departure   text CHECK (departure IN ('observed', 'censored')),
    device_id   text NOT NULL,
    PRIMARY KEY (area, generation, bay_id, arrived_at),
    CHECK (departed_at > arrived_at)
);

CREATE TABLE count_interval (
    area       text NOT NULL,
    generation integer NOT NULL,
    zone_id    text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    occupied   integer CHECK (occupied >= 0),
    over       boolean NOT NULL DEFAULT false,
    passages   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (area, generation, zone_id, started_at),
    CHECK (ended_at > started_at)
);
COMMENT ON COLUMN count_interval.occupied IS 'Vehicles in the car park as counted, not bounded by capacity; NULL: not known';
COMMENT ON COLUMN count_interval.over IS 'The count was below zero or above capacity: shown bounded, kept flagged';
COMMENT ON COLUMN count_interval.passages IS 'Passages since the last absolute count';

CREATE TABLE zone_state (
    area       text NOT NULL,
    generation integer NOT NULL,
    zone_id    text NOT NULL,
    version    bigint NOT NULL,
    capacity   integer NOT NULL,
    free       integer NOT NULL CHECK (free >= 0),
    occupied   integer NOT NULL CHECK (occupied >= 0),
    unknown    integer NOT NULL CHECK (unknown >= 0),
    closed     integer NOT NULL CHECK (closed >= 0),
    free_min   integer NOT NULL CHECK (free_min >= 0),
    free_max   integer NOT NULL,
    groups     jsonb NOT NULL,
    as_of      timestamptz,
    source     text NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    coverage   double precision NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    PRIMARY KEY (area, generation, zone_id),
    CHECK (free + occupied + unknown + closed = capacity),
    CHECK (free_min <= free AND free <= free_max AND free_max <= capacity)
);
CREATE INDEX zone_state_by_version ON zone_state (area, generation, version);
COMMENT ON COLUMN zone_state.groups IS 'Bays that are alike: [{bay_type, access, max_stay_min, free, occupied, unknown, closed}]';

CREATE TABLE zone_cell (
    area       text NOT NULL,
    generation integer NOT NULL,
    zone_id    text NOT NULL,
    cell_at    timestamptz NOT NULL,
    free_s     double precision NOT NULL CHECK (free_s >= 0),
    occupied_s double precision NOT NULL CHECK (occupied_s >= 0),
    unknown_s  double precision NOT NULL CHECK (unknown_s >= 0),
    closed_s   double precision NOT NULL CHECK (closed_s >= 0),
    arrivals   integer NOT NULL,
    departures integer NOT NULL,
    PRIMARY KEY (area, generation, zone_id, cell_at)
);

-- Records: never rebuilt.
CREATE TABLE sign_frame (
    sign_id   text NOT NULL,
    sequence  bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    ttl_s     integer NOT NULL,
    state     text NOT NULL,
    pages     jsonb NOT NULL,
    versions  jsonb NOT NULL,
    sent_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (sign_id, sequence)
);
