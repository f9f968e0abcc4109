-- What operators put on signs, the legends that they may choose from, and on whose word a frame was made.

ALTER TABLE registry DROP CONSTRAINT registry_kind_check,
    ADD CHECK (kind IN ('area', 'calendar', 'rule', 'zone', 'bay', 'sensor', 'binding', 'gate', 'legend', 'sign'));

ALTER TABLE sign_frame ADD COLUMN mode text NOT NULL DEFAULT 'auto';
COMMENT ON COLUMN sign_frame.mode IS 'auto: made from what is known; any other: as an operator had set it';

CREATE TABLE sign_mode (
    sign_id    text PRIMARY KEY,
    area       text NOT NULL,
    mode       text NOT NULL CHECK (mode IN ('auto', 'blank', 'full', 'closed', 'legend', 'test')),
    legend_id  text,
    reason     text NOT NULL,
    set_by     text NOT NULL,
    set_at     timestamptz NOT NULL,
    expires_at timestamptz,
    CHECK ((mode = 'legend') = (legend_id IS NOT NULL)),
    CHECK ((mode = 'auto') = (expires_at IS NULL))
);
COMMENT ON TABLE sign_mode IS 'The mode that was set last; what was set before stands in the audit log. Past expires_at it is auto';
