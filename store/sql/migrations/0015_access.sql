-- Who may ask for what is not public, and the record of who did what. Keys are kept as hashes only.

CREATE TABLE api_key (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label        text NOT NULL,
    scopes       text[] NOT NULL
                 CHECK (cardinality(scopes) > 0
                        AND scopes <@ ARRAY['live:read', 'history:read', 'admin', 'signs:write', 'personal']),
    areas        text[] CHECK (cardinality(areas) > 0),
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
COMMENT ON COLUMN api_key.areas IS 'The areas it is bound to; NULL: all, also those to come';
COMMENT ON COLUMN api_key.last_used_at IS 'To the minute, written now and then';

-- A key has more than one secret while it is being rotated.
CREATE TABLE api_key_secret (
    digest      bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    key_id      bigint NOT NULL REFERENCES api_key (id),
    made_at     timestamptz NOT NULL,
    valid_until timestamptz
);
CREATE INDEX api_key_secret_by_key ON api_key_secret (key_id);
COMMENT ON COLUMN api_key_secret.digest IS 'SHA-256 of the key as it was shown, once; 256 random bits need no slower hash';

-- The audit log: a record, never rebuilt. Each entry's hash covers the hash before it, so that an entry that was edited or
-- taken out shows (baycast audit verify); the head tells the end, so that entries missing there show, too.
CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq      bigint NOT NULL,
    hash     bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));
COMMENT ON TABLE audit_head IS 'The last entry. Locked by whoever appends, before any log_head and until COMMIT: seq has no gaps';

CREATE TABLE audit_entry (
    seq     bigint PRIMARY KEY,
    at      timestamptz NOT NULL,
    who     text NOT NULL,
    action  text NOT NULL,
    areas   text[],
    subject text,
    doc     jsonb NOT NULL DEFAULT '{}',
    hash    bytea NOT NULL
);
COMMENT ON COLUMN audit_entry.who IS 'user NAME (of the operating system) or key ID (LABEL)';
COMMENT ON COLUMN audit_entry.areas IS 'The areas it concerns; NULL: none in particular, or all';

CREATE FUNCTION audit_field(field text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8'), '\xffffffff'::bytea)
$$;
COMMENT ON FUNCTION audit_field IS 'Length and bytes, so that no two rows make the same text; store/audit.py has it once more';

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head audit_head;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.hash := sha256(
        head.hash || audit_field(NEW.seq::text) || audit_field((extract(epoch FROM NEW.at) * 1000000)::bigint::text)
        || audit_field(NEW.who) || audit_field(NEW.action) || audit_field(to_json(NEW.areas)::text)
        || audit_field(NEW.subject) || audit_field(NEW.doc::text)
    );
    UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_chain();

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The head moves by the other trigger only.
    IF TG_TABLE_NAME = 'audit_head' AND TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_refuse BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
