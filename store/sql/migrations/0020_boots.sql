-- A device that was reset counts its boots anew. Its words must not come before all that it said in later boots: so of each
-- boot it is known when it began.
ALTER TABLE device_seen
    ADD COLUMN said_at timestamptz,
    ADD COLUMN heard_at timestamptz,
    ADD COLUMN latest boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN device_seen.said_at IS 'When the first word of it that came was said, if its clock can be right. NULL: readings of it were dropped';
COMMENT ON COLUMN device_seen.heard_at IS 'When that word was there at the latest: received; in an event area, said';
COMMENT ON COLUMN device_seen.latest IS 'No later boot of its incarnation is known: its words are claimed without a look. False is always safe';

UPDATE device_seen d SET (said_at, heard_at) = (
    SELECT CASE
        WHEN h.clock = 'event' OR r.received_at - r.at BETWEEN interval '-2 minutes' AND interval '30 days'
        THEN coalesce(r.at, told.at)
        ELSE told.at
    END, CASE h.clock WHEN 'event' THEN coalesce(r.at, told.at) ELSE r.received_at END
    FROM reading r JOIN log_head h USING (area),
         LATERAL (SELECT r.received_at - CASE WHEN r.at IS NULL THEN r.age_ms ELSE 0 END * interval '1 millisecond' AS at) AS told
    WHERE r.device_id = d.device_id AND r.incarnation = d.incarnation AND r.boot = d.boot
    ORDER BY r.seq LIMIT 1
);
