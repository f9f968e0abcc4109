-- History: hours of zones, controlled zones and areas. What may still change is derived; what is final is a record.
CREATE TABLE history_series (
    series_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area      text NOT NULL,
    scope     text NOT NULL CHECK (scope IN ('zone', 'controlled_zone', 'area')),
    scope_id  text NOT NULL,
    dim       text NOT NULL CHECK (dim IN ('all', 'bay_type', 'use')),
    value     text NOT NULL,
    UNIQUE (area, scope, scope_id, dim, value)
);
COMMENT ON TABLE history_series IS 'Whose hours they are: short numbers for long names, which years of hours repeat';
COMMENT ON COLUMN history_series.value IS 'The bay type, or the use that the kerb has by the rule in force; empty for all bays';

CREATE TABLE history_hour (
    series_id      integer NOT NULL,
    generation     integer NOT NULL,
    hour_at        timestamptz NOT NULL,
    in_service_us  bigint NOT NULL,
    free_us        bigint NOT NULL CHECK (free_us >= 0),
    occupied_us    bigint NOT NULL CHECK (occupied_us >= 0),
    closed_us      bigint NOT NULL CHECK (closed_us >= 0),
    usable_us      bigint NOT NULL,
    some_free_us   bigint NOT NULL CHECK (some_free_us >= 0),
    all_taken_us   bigint NOT NULL CHECK (all_taken_us >= 0),
    arrivals       integer NOT NULL,
    departures     integer NOT NULL,
    stays_s        integer[] NOT NULL,
    censored       integer NOT NULL,
    over_candidates integer NOT NULL,
    over_confirmed integer NOT NULL,
    over_s         bigint NOT NULL,
    PRIMARY KEY (series_id, generation, hour_at)
);
COMMENT ON TABLE history_hour IS 'Derived, and provisional: hours that may still change. Bay-microseconds by state; what is left of those in service is unknown';
COMMENT ON COLUMN history_hour.usable_us IS 'By the clock: a bay was open to general drivers (of a bay type: to its own); of these, some known free, all known taken';
COMMENT ON COLUMN history_hour.stays_s IS 'Lengths of the stays that ended in the hour, sorted; censored: those of which an end is not known';

CREATE TABLE history_slots (
    series_id     integer NOT NULL,
    generation    integer NOT NULL,
    hour_at       timestamptz NOT NULL,
    in_service_us bigint[] NOT NULL,
    free_us       bigint[] NOT NULL,
    occupied_us   bigint[] NOT NULL,
    closed_us     bigint[] NOT NULL,
    arrivals      integer[] NOT NULL,
    departures    integer[] NOT NULL,
    PRIMARY KEY (series_id, generation, hour_at)
);
COMMENT ON TABLE history_slots IS 'The same hours by five minutes, twelve of each, where a series is of all bays';

CREATE TABLE history_final (
    LIKE history_hour INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    revision       integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    engine_version text NOT NULL,
    position       bigint NOT NULL,
    PRIMARY KEY (series_id, hour_at)
);
COMMENT ON TABLE history_final IS 'Records: hours that stay as they are, unless a revision is recorded. With the generation, the engine''s version and the position of the log that they were computed under';

CREATE TABLE history_final_slots (
    LIKE history_slots INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (series_id, hour_at)
);

CREATE TABLE history_revision (
    series_id   integer NOT NULL,
    hour_at     timestamptz NOT NULL,
    revision    integer NOT NULL,
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cause       text NOT NULL,
    was         jsonb,
    PRIMARY KEY (series_id, hour_at, revision)
);
COMMENT ON TABLE history_revision IS 'What a final hour was before it was revised, and why it was; NULL: there was none';

CREATE TABLE history_finality (
    area     text PRIMARY KEY,
    final_to timestamptz NOT NULL
);
COMMENT ON COLUMN history_finality.final_to IS 'Hours before it are records; from it on they are derived';

CREATE VIEW history_fresh AS
SELECT s.area, h.* FROM history_hour h
JOIN history_series s USING (series_id)
JOIN generation g ON (g.area, g.generation) = (s.area, h.generation) AND g.status = 'live'
JOIN history_finality f ON f.area = s.area
WHERE h.hour_at < f.final_to;
COMMENT ON VIEW history_fresh IS 'Derived hours that are to become records, or to be held against them';
