"""Has the database itself write down every answer of a zone as it is committed, and make an estimate of one of them."""

from __future__ import annotations

from baycast.chaos import collect
from baycast.chaos.signs.auditor import Row
from store.postgres import Connection


def record(conn: Connection) -> None:
    """From now on. Before the engine runs."""
    conn.execute(_RECORD)


def read(url: str) -> list[Row]:
    """Everything so far, in the order of the commits."""
    with collect.connect(url) as conn:
        return [
            Row(*row)
            for row in conn.execute(
                "SELECT generation, version, zone_id, source, free_min, free_max FROM chaos_zone ORDER BY n"
            )
        ]


_RECORD = """
CREATE TABLE chaos_zone (
    n bigserial, generation integer, version bigint, zone_id text, source text, free_min integer, free_max integer
);
CREATE FUNCTION chaos_modelled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.source := 'estimate';
    RETURN NEW;
END $body$;
CREATE TRIGGER chaos_modelled BEFORE INSERT OR UPDATE ON zone_state FOR EACH ROW
    WHEN (NEW.zone_id = 'street-modelled') EXECUTE FUNCTION chaos_modelled();
CREATE FUNCTION chaos_zone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO chaos_zone (generation, version, zone_id, source, free_min, free_max)
    VALUES (NEW.generation, NEW.version, NEW.zone_id, NEW.source, NEW.free_min, NEW.free_max);
    RETURN NULL;
END $body$;
CREATE TRIGGER chaos_zone AFTER INSERT OR UPDATE ON zone_state FOR EACH ROW EXECUTE FUNCTION chaos_zone();
"""
