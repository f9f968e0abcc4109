"""Has the database itself write down every version and every zone's numbers as they are committed, for the auditor."""

from __future__ import annotations

from baycast.chaos import city, collect
from baycast.chaos.feed.auditor import Issued, Row, Stamp
from baycast.chaos.feed.heard import Numbers


def record(url: str) -> None:
    """From now on. Before the engine runs."""
    with collect.connect(url) as conn:
        conn.execute(_RECORD)


def read(url: str) -> Issued:
    """Everything so far."""
    with collect.connect(url) as conn:
        stamps = [
            Stamp(*row) for row in conn.execute("SELECT generation, version FROM chaos_issued ORDER BY n")
        ]
        rows = [
            Row(Stamp(generation, version), zone_id, Numbers(*numbers))
            for generation, version, zone_id, *numbers in conn.execute(
                "SELECT generation, version, zone_id, free, occupied, unknown, closed FROM chaos_zone ORDER BY n"
            )
        ]
    return Issued(city.AREA, stamps, rows)


def at_the_head(url: str) -> bool:
    """Whether the engine has folded all of the log but what came in this second."""
    with collect.connect(url) as conn:
        head = conn.execute("SELECT position FROM log_head WHERE area = %s", (city.AREA,)).fetchone()
        return head is not None and collect.live_generation(conn)[0] >= head[0]


def spoken_of(url: str) -> int:
    """Of how many zones the engine has said something."""
    with collect.connect(url) as conn:
        row = conn.execute("SELECT count(DISTINCT zone_id) FROM chaos_zone").fetchone()
    return 0 if row is None else int(row[0])


_RECORD = """
CREATE TABLE chaos_issued (n bigserial, generation integer, version bigint);
CREATE TABLE chaos_zone (
    n bigserial, generation integer, version bigint, zone_id text,
    free integer, occupied integer, unknown integer, closed integer
);
CREATE FUNCTION chaos_issued() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.status = 'live' THEN
        INSERT INTO chaos_issued (generation, version) VALUES (NEW.generation, NEW.version);
    END IF;
    RETURN NULL;
END $body$;
CREATE FUNCTION chaos_zone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO chaos_zone (generation, version, zone_id, free, occupied, unknown, closed)
    VALUES (NEW.generation, NEW.version, NEW.zone_id, NEW.free, NEW.occupied, NEW.unknown, NEW.closed);
    RETURN NULL;
END $body$;
CREATE TRIGGER chaos_issued AFTER INSERT OR UPDATE ON generation FOR EACH ROW EXECUTE FUNCTION chaos_issued();
CREATE TRIGGER chaos_zone AFTER INSERT OR UPDATE ON zone_state FOR EACH ROW EXECUTE FUNCTION chaos_zone();
"""
