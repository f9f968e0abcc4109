"""One run: streets that live, signs that show them, every link cut in turn, and the audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from baycast.chaos.audited import Check, Result
from baycast.chaos.nemesis import Stuck
from baycast.chaos.run import own_folder
from baycast.chaos.signs import issued
from baycast.chaos.signs.auditor import FAULTS, STABLE_S, Struck, Verdict, judge
from baycast.chaos.signs.notes import Notes
from baycast.chaos.signs.plan import DWELL_S, WAYS, Cut, Post, dark_within_s, posts, schedule
from baycast.chaos.signs.stage import Stage
from baycast.chaos.stack import eventually

_LIT_WITHIN_S = 90.0
_DARK_MARGIN_S = 5.0
"""A sign that is not dark in time is waited for a little longer, to say how late it was."""
_AFTER_DARK_S = 0.3
"""Whoever lights up again while the link is cut is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is run. `stale_after_s`: without a canary for so long nothing is known; `publish` has 30 s."""

    cuts: int
    signs: int
    seed: int
    stale_after_s: float
    packages: Path


def run(order: Order, say: Callable[[str], None], check: Check) -> Result:
    """Do it all: good is that no sign showed what it may not, and each was back in time.

    Raises `UsageError` when the servers cannot be started.
    """
    began_s = time.monotonic()
    with own_folder() as folder, ExitStack() as ends:
        stage = Stage(
            folder,
            posts(order.signs),
            seed=order.seed,
            stale_after_s=order.stale_after_s,
            packages=order.packages,
            ends=ends,
        )
        attack = _Attack(order, stage, say, check)
        stuck: str | None = None
        try:
            attack.run()
        except Stuck as why:
            stuck = str(why)
        ended_s = time.monotonic()
        attack.notes.read()
        rows = issued.read(stage.database_url)
        verdict = judge(attack.notes.diaries, attack.struck, rows, dwell_s=DWELL_S, ended_s=ended_s)
        figures = _figures(order, verdict, attack, stage) | {"seconds": time.monotonic() - began_s}
    good = stuck is None and not any(figures[name] for name in (*FAULTS, "exits"))
    return Result(figures=figures, findings=verdict.findings, stuck=stuck, good=good)


class _Attack:
    """Cuts one link after the other; before each every sign is lit."""

    def __init__(self, order: Order, stage: Stage, say: Callable[[str], None], check: Check) -> None:
        self._order = order
        self._stage = stage
        self._say = say
        self._check = check
        self._posts = posts(order.signs)
        self.notes = Notes(stage.notes)
        self.struck: list[Struck] = []

    def run(self) -> None:
        self._stage.start()
        self._until_lit()
        for number, cut in enumerate(schedule(self._order.seed, self._order.cuts), 1):
            self._hold(cut.later_s)
            self._strike(cut)
            self._until_lit()
            self._say(f"{number} of {self._order.cuts} cut: {cut.link}, {cut.how}")

    def _strike(self, cut: Cut) -> None:
        within_s = {
            post.sign_id: limit_s
            for post in self._posts
            if (limit_s := dark_within_s(cut, post, self._order.stale_after_s)) is not None
        }
        at_s = self._stage.cut(cut)
        try:
            eventually(lambda: self._dark(within_s), max(within_s.values()) + _DARK_MARGIN_S, self._check)
            self._hold(_AFTER_DARK_S)
        finally:
            mended_s = time.monotonic()
            self._stage.mend(cut)
        self.struck.append(Struck(f"{cut.link}.{cut.how}", at_s, mended_s, within_s))

    def _dark(self, within_s: dict[str, float]) -> bool:
        self.notes.read()
        return all(self.notes.lit_since_s(sign_id) is None for sign_id in within_s)

    def _until_lit(self) -> None:
        if not eventually(self._all_lit, _LIT_WITHIN_S, self._meanwhile):
            dark = [post.sign_id for post in self._posts if not self._is_lit(post)]
            raise Stuck(f"dark for {_LIT_WITHIN_S:.0f} s: {', '.join(dark)}")

    def _meanwhile(self) -> None:
        self._check()
        self._stage.look()

    def _all_lit(self) -> bool:
        self.notes.read()
        return all(self._is_lit(post) for post in self._posts)

    def _is_lit(self, post: Post) -> bool:
        since_s = self.notes.lit_since_s(post.sign_id)
        return since_s is not None and time.monotonic() - since_s > STABLE_S

    def _hold(self, seconds: float) -> None:
        ends_s = time.monotonic() + seconds
        eventually(lambda: time.monotonic() >= ends_s, seconds + 1.0, self._check)


def _figures(order: Order, verdict: Verdict, attack: _Attack, stage: Stage) -> dict[str, float]:
    links = [cut.name.partition(".")[0] for cut in attack.struck]
    return {
        "cuts": len(attack.struck),
        "signs": order.signs,
        **{f"cuts.{link}": links.count(link) for link in WAYS},
        **verdict.figures,
        **dict(sorted(verdict.worst_s.items())),
        "stale_after_s": order.stale_after_s,
        "exits": stage.exits,
    }
