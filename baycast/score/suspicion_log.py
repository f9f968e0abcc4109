"""When the engine distrusted which sensor, beside what was true then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from baycast.score.decoding import instant
from occupancy.model import BayState, State
from simulator.field_run import FieldRun

_HOUR_S = 3600.0
_SAID = {State.FREE: False, State.OCCUPIED: True}


@dataclass(slots=True)
class _Distrust:
    """A bay under suspicion during [from_ms, to_ms) whose sensor had said `said` last; None: nothing."""

    from_ms: int
    to_ms: int | None
    said: bool | None


class SuspicionLog:
    """Collected as states are shown."""

    def __init__(self) -> None:
        self._by_bay: dict[int, list[_Distrust]] = {}
        self._began: dict[int, list[datetime]] = {}

    def show(self, bay: int, state: BayState, at_ms: int) -> None:
        """The engine answers so from `at_ms` on."""
        own = self._by_bay.get(bay, [])
        lasting = own[-1] if own and own[-1].to_ms is None else None
        said = _SAID.get(state.last_said) if state.last_said is not None else None
        if lasting is not None and (not state.suspect or said is not lasting.said):
            lasting.to_ms = at_ms
        if state.suspect and (lasting is None or lasting.to_ms is not None):
            self._by_bay.setdefault(bay, []).append(_Distrust(at_ms, None, said))
            if lasting is None:
                self._began.setdefault(bay, []).append(instant(at_ms))

    def figures(self, run: FieldRun) -> dict[str, float | None]:
        delays: list[float] = []
        stuck = 0
        rightly: set[int] = set()
        for sensor in run.sensors:
            for episode in sensor.stuck:
                stuck += 1
                began, ended = instant(episode.start_ms), instant(episode.end_ms)
                seen = next((at for at in self._began.get(sensor.bay, ()) if began <= at < ended), None)
                if seen is not None:
                    delays.append((seen - began).total_seconds() / _HOUR_S)
                    rightly.add(sensor.bay)
        under, right = self._time_under_suspicion(run)
        history = run.history
        judged_ms = len(run.sensors) * (history.end_ms - history.start_ms)
        return {
            "stuck_sensors": stuck,
            "stuck_detected_share": len(delays) / stuck if stuck else None,
            "stuck_delay_h": sum(delays) / len(delays) if delays else None,
            "stuck_delay_median_h": median(delays) if delays else None,
            "suspects": len(self._began),
            "suspects_not_stuck": len(self._began) - len(rightly),
            "suspect_share": under / judged_ms if judged_ms else None,
            "suspect_right_share": right / under if under else None,
        }

    def _time_under_suspicion(self, run: FieldRun) -> tuple[int, int]:
        """Milliseconds of all bays under suspicion; those of them in which what the sensor had said was so."""
        history = run.history
        changes = history.changes_by_bay()
        under = right = 0
        for bay, own in self._by_bay.items():
            for one in own:
                to_ms = history.end_ms if one.to_ms is None else one.to_ms
                under += to_ms - one.from_ms
                states = true_states(history.occupied_at_start[bay], changes[bay], one.from_ms, to_ms)
                right += sum(lasted_ms for occupied, lasted_ms in states if occupied is one.said)
        return under, right


def true_states(
    at_start: bool, changes: Sequence[tuple[int, bool]], from_ms: int, to_ms: int
) -> Iterator[tuple[bool, int]]:
    """What was true in a span, piece by piece, and for how long."""
    occupied, since_ms = at_start, from_ms
    for at_ms, now in changes:
        if from_ms < at_ms < to_ms:
            yield occupied, at_ms - since_ms
            since_ms = at_ms
        if at_ms < to_ms:
            occupied = now
    yield occupied, to_ms - since_ms
