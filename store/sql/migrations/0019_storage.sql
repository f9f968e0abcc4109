-- How long things are kept, how large they are, and TimescaleDB for the records of history (docs/storage.md).

ALTER TABLE log_head ADD COLUMN kept_from timestamptz;
COMMENT ON COLUMN log_head.kept_from IS 'Rows of bays and car parks that ended before have been dropped: no hour or cell before it is computed again. NULL: all are there';
ALTER TABLE generation ADD COLUMN kept_from timestamptz;
COMMENT ON COLUMN generation.kept_from IS 'log_head.kept_from as whoever folds this generation must know it';

CREATE TABLE retention (
    area       text PRIMARY KEY,
    ran_at     timestamptz,
    hours_from timestamptz,
    slots_from timestamptz
);
COMMENT ON TABLE retention IS 'By the watermark: when what is too old was dropped last, and from when on records of history are kept; NULL: all of them';

-- Records only: bays' and car parks' rows belong to generations, are looked up and replaced by key, and stay plain. 28 days of a
-- city's hours are 150 MB with their index. Never ON CONFLICT, and revisions name their series and hours: so what is in the
-- columnstore is found by its segments, and no more of it is unpacked than is revised.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('history_final', 'hour_at', chunk_time_interval => interval '28 days',
                                  create_default_indexes => false, migrate_data => true);
        PERFORM create_hypertable('history_final_slots', 'hour_at', chunk_time_interval => interval '28 days',
                                  create_default_indexes => false, migrate_data => true);
        IF current_setting('timescaledb.license', true) = 'timescale' THEN
            ALTER TABLE history_final SET (timescaledb.compress, timescaledb.compress_segmentby = 'series_id',
                                           timescaledb.compress_orderby = 'hour_at');
            PERFORM add_compression_policy('history_final', compress_after => interval '60 days');
            ALTER TABLE history_final_slots SET (timescaledb.compress, timescaledb.compress_segmentby = 'series_id',
                                                 timescaledb.compress_orderby = 'hour_at');
            PERFORM add_compression_policy('history_final_slots', compress_after => interval '60 days');
        END IF;
    END IF;
END
$$;

-- The same question on both: how large each table is, and what compression made of it.
DO $migration$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE FUNCTION table_sizes() RETURNS TABLE (name text, bytes bigint, chunks bigint, compressed_chunks bigint,
                                                     bytes_before bigint, bytes_after bigint)
        LANGUAGE sql STABLE AS $body$
            SELECT c.relname::text, coalesce(hypertable_size(c.oid), pg_total_relation_size(c.oid)),
                   coalesce(s.total_chunks, h.num_chunks, 0), coalesce(s.number_compressed_chunks, 0),
                   coalesce(s.before_compression_total_bytes, 0), coalesce(s.after_compression_total_bytes, 0)
            FROM pg_class c
            LEFT JOIN timescaledb_information.hypertables h
                ON h.hypertable_schema = current_schema() AND h.hypertable_name = c.relname
            LEFT JOIN LATERAL hypertable_compression_stats(c.oid) AS s ON h.compression_enabled
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        $body$;
    ELSE
        CREATE FUNCTION table_sizes() RETURNS TABLE (name text, bytes bigint, chunks bigint, compressed_chunks bigint,
                                                     bytes_before bigint, bytes_after bigint)
        LANGUAGE sql STABLE AS $body$
            SELECT c.relname::text, pg_total_relation_size(c.oid), 0::bigint, 0::bigint, 0::bigint, 0::bigint
            FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        $body$;
    END IF;
END
$migration$;
COMMENT ON FUNCTION table_sizes() IS 'Bytes on disk with indexes, now; of those in the columnstore, what they were before and are after';
