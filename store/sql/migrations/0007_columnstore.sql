-- Where TimescaleDB may compress (its community licence), readings of more than 30 days go into the columnstore: about a
-- fifth of the size. Queries need not know. A device's rows lie together, because old readings are looked up by device:
-- for a late reading, and for a duplicate. Nothing here is unique: once (L2) is decided by device_seen, a plain table,
-- so rows may come into a compressed chunk (from quarantine, when a device is registered) without a look at what is in it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
       AND current_setting('timescaledb.license', true) = 'timescale' THEN
        ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id',
                                 timescaledb.compress_orderby = 'incarnation, boot, seq');
        PERFORM add_compression_policy('reading', compress_after => interval '30 days');
    END IF;
END
$$;
