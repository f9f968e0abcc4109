-- TimescaleDB when the server runs with it: the high-volume tables become hypertables. Without it the same names are
-- plain tables. Nothing outside the migrations asks which it is. (Installed is not enough: it must be preloaded.)
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND current_setting('shared_preload_libraries') LIKE '%timescaledb%' THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        PERFORM create_hypertable('reading', 'received_at', chunk_time_interval => interval '7 days',
                                  create_default_indexes => false);
    END IF;
END
$$;
