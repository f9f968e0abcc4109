-- What the broker may hold for a worker: its session outlives it, and in a shared group the broker goes on dealing messages
-- to a member that is away. So the store remembers which filters the session of each worker id may have.
ALTER TABLE ingest_worker ADD COLUMN filters text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ingest_worker.filters IS 'Topic filters that the session at the broker may have';
COMMENT ON TABLE ingest_worker IS 'Workers whose session the broker may hold; a drained one is removed';

-- How many messages a broker says that it dropped, so that a look after an absence sees what was dropped meanwhile.
CREATE TABLE broker_drops (
    broker       text PRIMARY KEY,
    counter      bigint NOT NULL,
    dropped      bigint NOT NULL DEFAULT 0,
    dropped_last bigint NOT NULL DEFAULT 0,
    dropped_at   timestamptz
);
COMMENT ON COLUMN broker_drops.counter IS 'The broker''s own counter at the last look; it begins anew when the broker restarts';
COMMENT ON COLUMN broker_drops.dropped IS 'Dropped between our looks, in all; dropped_last of them at the look at dropped_at';
