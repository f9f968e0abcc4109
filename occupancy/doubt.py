"""What is left of a bay's live answer when it is held against the spells that bays like it have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from occupancy.arrivals import Arrivals
from occupancy.confidence import DOUBTED, learnt_confidence, level, stands_for
from occupancy.device_fold import DeviceFold
from occupancy.model import Bay, BayState, State
from occupancy.plausibility import Plausibility, Shown
from occupancy.spells import STATES
from occupancy.step import Standing
from occupancy.transitions import Verdict

OF_LATE = timedelta(hours=48)
"""A bay of which nothing has been said for longer is like any other of which nothing is known."""


class Doubt:
    """One bay, and what the sensor that watches it said of it last."""

    def __init__(
        self, plausible: Plausibility, arrivals: Arrivals, bay: Bay, fold: DeviceFold, standing: Standing
    ) -> None:
        now = standing.trail[-1]
        self.said = now.before if now.state is State.UNKNOWN else now.state
        self._plausible, self._bay, self._standing, self._fold = plausible, bay, standing, fold
        self._stated_at = fold.stated_at or fold.as_of
        came = arrivals.since(bay, now.since) if now.state is State.FREE else None
        self._shown = Shown(now.state, now.since, self._stated_at, fold.agreed, fold.missed, came)

    def answer(self, state: BayState, at: datetime) -> tuple[BayState, datetime | None]:
        """What is left of it at `at`, and when that changes if nothing more is heard (None: never)."""
        if state.state in STATES:
            # A word may be ahead of the watermark: the answer is that of its time, until the watermark is past it.
            reached = max(at, self._stated_at)
            wrong = self._plausible.wrong(self._bay, self._shown, reached)
            steps = self._plausible.steps(self._bay, self._shown, reached)
            now = level(wrong)
            due = next((then for then, ahead in steps if level(ahead) != now), None)
            return self._weighed(state, wrong), due
        until = self._stated_at + OF_LATE
        if self.said not in STATES or at >= until:
            return replace(state, free_chance=None), None
        chance = round(self._plausible.free(self._bay, self.said, self._stated_at, at), 1)
        later = self._plausible.free_steps(self._bay, self.said, self._stated_at, at)
        due = next((then for then, free in later if round(free, 1) != chance), until)
        return replace(state, last_said=self.said, free_chance=chance), min(due, until)

    def _weighed(self, state: BayState, wrong: float) -> BayState:
        """As sure as the spells of such bays let it be; no claim where that is too little."""
        if wrong < DOUBTED[state.state]:
            limits = [learnt_confidence(wrong)]
            limits += [self._standing.confidence] if self._standing.verdict is Verdict.OVERDUE else []
            limits += [self._fold.stated] if self._fold.stated is not None else []
            return replace(state, confidence=min(limits))
        chance = stands_for(wrong) if state.state is State.OCCUPIED else 1 - stands_for(wrong)
        return replace(
            state,
            state=State.UNKNOWN,
            confidence=0.0,
            last_said=state.state,
            free_chance=chance,
            reason=f"{state.reason}; few spells here last so long, and an end of it may have been missed",
        )
