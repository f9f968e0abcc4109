-- The registry as it stands: a projection of the log's registry changes, written in the same transaction.
CREATE TABLE registry (
    kind     text NOT NULL CHECK (kind IN ('area', 'calendar', 'rule', 'zone', 'bay', 'sensor', 'binding', 'gate', 'sign')),
    id       text NOT NULL,
    area     text NOT NULL,
    doc      jsonb NOT NULL,
    batch_id bigint NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX registry_by_area ON registry (area, kind);
