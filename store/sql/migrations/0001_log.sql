-- The log: the only truth. Readings, registry changes, outages and (later) overrides and parameters share one
-- sequence of positions per area. A batch is one position; rows name their batch, the batch row gets the position.

CREATE TABLE log_head (
    area       text PRIMARY KEY,
    position   bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    clock      text NOT NULL CHECK (clock IN ('live', 'event')),
    watermark  timestamptz
);
COMMENT ON TABLE log_head IS 'One row per area, locked last before COMMIT: positions are gapless and in commit order';

CREATE SEQUENCE log_batch_id;

CREATE TABLE log_batch (
    area          text NOT NULL,
    position      bigint NOT NULL,
    batch_id      bigint NOT NULL UNIQUE,
    watermark     timestamptz,
    readings      integer NOT NULL DEFAULT 0,
    entries       integer NOT NULL DEFAULT 0,
    received_from timestamptz,
    received_to   timestamptz,
    committed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (area, position)
);
COMMENT ON COLUMN log_batch.watermark IS 'The area''s watermark after this batch, where the batch moved it';
COMMENT ON COLUMN log_batch.received_from IS 'Receive times of its readings, so that a reader can skip chunks';

CREATE TABLE reading (
    batch_id      bigint NOT NULL,
    ordinal       integer NOT NULL,
    area          text NOT NULL,
    device_id     text NOT NULL,
    incarnation   integer NOT NULL,
    boot          bigint NOT NULL,
    seq           bigint NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('state', 'passage', 'count', 'health', 'boot')),
    at            timestamptz,
    age_ms        bigint,
    received_at   timestamptz NOT NULL,
    occupied      boolean,
    cause         text,
    prev_s        bigint,
    confidence    real,
    direction     text,
    vehicle_token text,
    count         integer,
    capacity      integer,
    battery_mv    integer,
    temperature_c real,
    rssi_dbm      real,
    faults        text[],
    meaning       bigint NOT NULL,
    raw           bytea
);
COMMENT ON COLUMN reading.meaning IS 'Hash of what the reading says: the same key with another meaning is a conflict';
COMMENT ON COLUMN reading.raw IS 'The payload as it came; NULL for passages, of which nothing beyond the contract is kept (L10)';

CREATE INDEX reading_by_batch ON reading (batch_id);
CREATE INDEX reading_by_device ON reading (device_id, incarnation, boot, seq);

CREATE TABLE log_entry (
    batch_id   bigint NOT NULL,
    ordinal    integer NOT NULL,
    area       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('registry', 'outage')),
    key        text NOT NULL,
    doc        jsonb,
    entered_at timestamptz NOT NULL,
    entered_by text NOT NULL,
    PRIMARY KEY (batch_id, ordinal)
);
COMMENT ON COLUMN log_entry.key IS 'For a registry change kind/id, as in bay/queen-st-014; for an outage its start';
COMMENT ON COLUMN log_entry.doc IS 'The whole document after the change; NULL: removed';

-- Once (L2): the sequence numbers seen of each life of a device. Exact for good; the holes are the gaps.
CREATE TABLE device_seen (
    device_id   text NOT NULL,
    incarnation integer NOT NULL,
    boot        bigint NOT NULL,
    seen        int8multirange NOT NULL DEFAULT '{}',
    PRIMARY KEY (device_id, incarnation, boot)
);

-- What could not become a reading, with the bytes and the reason. Nothing is acknowledged before it is in one or the other (L1).
CREATE TABLE quarantine (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest        bytea NOT NULL,
    topic         text NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL,
    device_id     text,
    payload       bytea,
    payload_bytes integer NOT NULL,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL,
    count         bigint NOT NULL DEFAULT 1,
    replayed_at   timestamptz,
    UNIQUE (digest)
);
CREATE INDEX quarantine_by_device ON quarantine (device_id) WHERE replayed_at IS NULL AND reason = 'unknown_device';
CREATE INDEX quarantine_by_reason ON quarantine (reason, last_seen);
COMMENT ON COLUMN quarantine.digest IS 'Hash of topic, reason and payload: the same bad message again only raises the count';
COMMENT ON COLUMN quarantine.payload IS 'NULL for a rejected passage (L10)';

-- Beyond the hourly cap per source: a count and a sample (L1).
CREATE TABLE quarantine_overflow (
    source text NOT NULL,
    hour   timestamptz NOT NULL,
    reason text NOT NULL,
    count  bigint NOT NULL,
    sample bytea,
    PRIMARY KEY (source, hour, reason)
);

-- Last word of each link (retained or last will): a state, not an event, so it is not a reading.
CREATE TABLE device_link (
    device_id   text PRIMARY KEY,
    online      boolean NOT NULL,
    at          timestamptz,
    received_at timestamptz NOT NULL
);

-- Each ingest worker's own canary; the least of the live ones is the watermark.
CREATE TABLE ingest_worker (
    worker_id  text PRIMARY KEY,
    canary_at  timestamptz,
    seen_at    timestamptz NOT NULL,
    stopped_at timestamptz
);
