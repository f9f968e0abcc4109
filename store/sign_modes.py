"""What operators have put on signs, and the only way to change it: with an entry in the audit log (psycopg)."""

from __future__ import annotations

from typing import Any

from occupancy.answers import instant
from occupancy.model import AreaId, LegendId, Sign, SignId
from occupancy.registry import Registry, RegistryRefused
from signs.modes import SetMode, problems_of
from signs.words import Mode
from store import audit
from store.audit import Deed
from store.postgres import Connection
from store.queries import sql


def put(
    conn: Connection, order: SetMode, sign: Sign, registry: Registry, *, actor: str | None = None
) -> None:
    """Set the mode of a sign in place of the one before; `publish` shows it within a second.

    `registry` is that of the sign's area. `actor` is who did it in the audit log, where that is not who is noted as
    having set it. Raises `RegistryRefused` with everything that is wrong, `psycopg.Error`.
    """
    errors = problems_of(order, sign, registry)
    if errors:
        raise RegistryRefused(errors)
    doc = _details(order, registry)
    deed = Deed(
        who=actor or order.set_by, action="sign.mode", areas=[sign.area_id], subject=sign.sign_id, doc=doc
    )
    with conn.transaction(), conn.cursor() as cur:
        cur.execute(
            sql("sign_mode.put"),
            (
                order.sign_id,
                sign.area_id,
                order.mode.value,
                order.legend_id,
                order.reason,
                order.set_by,
                order.set_at,
                order.expires_at,
            ),
        )
        audit.append(cur, deed)


def find(conn: Connection, sign_id: SignId) -> SetMode | None:
    """Return what was set last for a sign, also where it has expired; None: nothing ever was."""
    row = conn.execute(sql("sign_mode.find"), (sign_id,)).fetchone()
    return None if row is None else _set_mode(row)


def load(conn: Connection, area: AreaId | None = None) -> list[SetMode]:
    """Return what was set last for each sign of one area, or of all, by area and sign."""
    return [_set_mode(row) for row in conn.execute(sql("sign_mode.load"), (area,)).fetchall()]


def _details(order: SetMode, registry: Registry) -> dict[str, object]:
    doc: dict[str, object] = {"mode": order.mode.value, "reason": order.reason, "set_by": order.set_by}
    if order.expires_at is not None:
        doc["expires_at"] = instant(order.expires_at)
    if order.legend_id is not None:
        doc["legend"] = order.legend_id
        doc["authorisation"] = registry.legends[order.legend_id].authorisation
    return doc


def _set_mode(row: tuple[Any, ...]) -> SetMode:
    sign_id, _area, mode, legend_id, reason, set_by, set_at, expires_at = row
    return SetMode(
        sign_id=SignId(sign_id),
        mode=Mode(mode),
        legend_id=None if legend_id is None else LegendId(legend_id),
        reason=reason,
        set_by=set_by,
        set_at=set_at,
        expires_at=expires_at,
    )
