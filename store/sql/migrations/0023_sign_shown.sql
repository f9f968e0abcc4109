-- What signs say they show: a record, never rebuilt. One row for a run of readbacks that say the same.
CREATE TABLE sign_shown (
    sign_id        text NOT NULL,
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    readbacks      integer NOT NULL DEFAULT 1 CHECK (readbacks > 0),
    sequence       bigint,
    state          text,
    pages          jsonb,
    faults         text[] NOT NULL,
    said_at        timestamptz,
    verdict        text NOT NULL CHECK (verdict IN ('agrees', 'dark', 'expired', 'unsent')),
    via            text NOT NULL CHECK (via IN ('mqtt', 'http')),
    silent_after_s double precision NOT NULL,
    PRIMARY KEY (sign_id, first_at),
    CHECK (first_at <= last_at)
);
COMMENT ON COLUMN sign_shown.sequence IS 'Of the frame that the newest readback named. NULL: it was dark and named none';
COMMENT ON COLUMN sign_shown.state IS 'NULL: dark, for want of a frame';
COMMENT ON COLUMN sign_shown.said_at IS 'Of the newest readback, by the clock of the sign';
COMMENT ON COLUMN sign_shown.verdict IS 'Against the frames on record when it came';
COMMENT ON COLUMN sign_shown.silent_after_s IS 'A sign that has not been heard of for longer is silent';

-- A hint to whoever shows frames and readbacks; the tables are the truth.
CREATE FUNCTION notify_sign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('baycast_sign', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notify_sign AFTER INSERT ON sign_frame FOR EACH STATEMENT EXECUTE FUNCTION notify_sign();
CREATE TRIGGER notify_sign AFTER INSERT OR UPDATE ON sign_shown FOR EACH STATEMENT EXECUTE FUNCTION notify_sign();
