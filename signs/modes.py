"""What an operator puts on a sign in place of what the sensors say: for a time, with a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from occupancy.model import Area, Controller, LegendId, Sign, SignId
from occupancy.registry import Registry, RegistryError
from signs.claims import Claim
from signs.layout import pages
from signs.making import subjects
from signs.refusals import legend_refusal
from signs.words import FrameState, Mode

LONGEST = timedelta(days=30)
"""For all modes but auto: nothing that an operator sets is forgotten at the roadside."""
_SPOKEN = (Mode.FULL, Mode.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """A mode as somebody has set it. `expires_at` None: auto, which needs no end."""

    sign_id: SignId
    mode: Mode
    reason: str
    set_by: str
    set_at: datetime
    legend_id: LegendId | None = None
    expires_at: datetime | None = None

    def in_force(self, at: datetime) -> Mode:
        """Return the mode that holds at an instant: past its end it is auto."""
        return self.mode if self.expires_at is None or at < self.expires_at else Mode.AUTO


def problems_of(order: SetMode, sign: Sign, registry: Registry) -> list[RegistryError]:
    """Return what is wrong with setting this mode on this sign; empty: it can be set."""
    return [
        RegistryError(f"sign {sign.sign_id}", field, problem, fix)
        for field, problem, fix in (*_times(order), *_content(order, sign, registry))
    ]


def _times(order: SetMode) -> Iterator[tuple[str, str, str]]:
    if order.mode is Mode.AUTO:
        if order.expires_at is not None:
            yield "expires_at", "auto has no end", "leave it out"
    elif order.expires_at is None:
        yield "expires_at", "is missing", f"say when '{order.mode}' ends, within {LONGEST.days} days"
    elif order.expires_at <= order.set_at:
        yield "expires_at", "is not in the future", "give a later time"
    elif order.expires_at - order.set_at > LONGEST:
        yield "expires_at", f"is more than {LONGEST.days} days away", "end it earlier, and set it again then"
    if not order.reason.strip():
        yield "reason", "is empty", "say why, for the audit log"


def _content(order: SetMode, sign: Sign, registry: Registry) -> Iterator[tuple[str, str, str]]:
    if sign.controller is Controller.UTMC:
        yield "mode", "the sign is driven by UTMC (its controller), not by us", "set it there"
        return
    if order.mode is not Mode.LEGEND:
        if order.legend_id is not None:
            yield "legend", f"goes with the mode 'legend', not with '{order.mode}'", "leave it out"
        elif order.mode in _SPOKEN and registry.area and not _fits(order.mode, sign, registry.area):
            yield "mode", f"the word for '{order.mode}' does not fit on the sign", "correct the sign"
        return
    legend = None if order.legend_id is None else registry.legends.get(order.legend_id)
    if legend is None:
        known = ", ".join(sorted(registry.legends)) or "none"
        told = "is missing" if order.legend_id is None else f"there is no approved legend '{order.legend_id}'"
        yield "legend", told, f"give the id of one; registered: {known}"
        return
    refusal = legend_refusal(sign, legend, registry)
    if refusal is not None:
        yield "legend", refusal, "choose another, or have another approved"


def _fits(mode: Mode, sign: Sign, area: Area) -> bool:
    claim = Claim(FrameState.FULL if mode is Mode.FULL else FrameState.CLOSED)
    return bool(pages(sign, area.languages, dict.fromkeys(subjects(sign), claim)))
