"""Running blocks of inputs, each from a seed of its own, so that any failure can be met again alone."""

import logging
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import psutil

from tests.fuzz.chance import Chance
from tests.fuzz.decoding import Decoding
from tests.fuzz.parsing import Parsing

SLOW_S = 0.1
BLOCK = 20_000
_BLOCK_CPU_S = 180.0
"""CPU seconds after which a block is taken to hang; the usual block takes about three."""


class Target(Protocol):
    """What is fuzzed. `next` makes an input, `run` is measured, `judge` raises AssertionError."""

    def next(self) -> Any: ...
    def run(self, given: Any) -> object: ...
    def judge(self, given: Any, answer: object) -> None: ...
    def figures(self) -> dict[str, int]: ...
    @staticmethod
    def reproduction(given: Any) -> str: ...


TARGETS: dict[str, type[Decoding] | type[Parsing]] = {"decode": Decoding, "parse": Parsing}


@dataclass(frozen=True, slots=True)
class Block:
    target: str
    seed: int
    number: int
    inputs: int

    def opened(self) -> Target:
        return TARGETS[self.target](Chance(f"{self.seed}:{self.target}:{self.number}"))


@dataclass(slots=True)
class Outcome:
    """Of one block."""

    target: str
    inputs: int = 0
    worst_s: float = 0.0
    """CPU time of the dearest input."""
    slow: int = 0
    failures: list[str] = field(default_factory=list)
    """Each with the line that makes it a unit test."""
    figures: Counter[str] = field(default_factory=Counter)
    rss: int = 0


def blocks(target: str, seed: int, inputs: int) -> Iterator[Block]:
    for number, first in enumerate(range(0, inputs, BLOCK)):
        yield Block(target, seed, number, min(BLOCK, inputs - first))


def run_block(block: Block) -> Outcome:
    """All inputs of the block; a failure ends neither it nor the others."""
    target = block.opened()
    outcome = Outcome(block.target)
    for ordinal in range(block.inputs):
        given = target.next()
        outcome.inputs += 1
        where = f"seed {block.seed}, {block.target} block {block.number}, input {ordinal}"
        try:
            began = time.thread_time()
            answer = target.run(given)
            took_s = time.thread_time() - began
            if took_s > SLOW_S:
                # The machine hiccups, too: what is slow is slow again.
                took_s = min(took_s, *(_cpu_s(target, given) for _ in range(3)))
            target.judge(given, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            outcome.failures.append(f"# {where}: {said}\n{target.reproduction(given)}")
            continue
        outcome.worst_s = max(outcome.worst_s, took_s)
        if took_s > SLOW_S:
            outcome.slow += 1
            outcome.failures.append(f"# {where}: {1000 * took_s:.0f} ms\n{target.reproduction(given)}")
    outcome.figures.update(target.figures())
    outcome.rss = psutil.Process().memory_info().rss
    return outcome


def run_all(todo: list[Block], processes: int) -> Iterator[Outcome]:
    """Every block's outcome, as they come."""
    with multiprocessing.get_context("spawn").Pool(processes, _begin) as pool:
        yield from pool.imap_unordered(_watched, todo)


def _cpu_s(target: Target, given: object) -> float:
    began = time.thread_time()
    target.run(given)
    return time.thread_time() - began


def _begin() -> None:
    logging.disable()  # a malformed packet is a warning in the log, and we send millions
    signal.signal(signal.SIGVTALRM, _hangs)


def _watched(block: Block) -> Outcome:
    signal.setitimer(signal.ITIMER_VIRTUAL, _BLOCK_CPU_S)
    try:
        return run_block(block)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _hangs(*_: object) -> None:
    raise TimeoutError(f"the block hangs: {_BLOCK_CPU_S:.0f} s of CPU are used up")
