"""Chunks of sequences, each with a seed of its own, over several processes."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from functools import partial

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.test_engine_machine import STEPS, Town

CHUNK = 250
"""Sequences that share a seed: some minutes at most are lost by a stop."""


def run_chunk(seed: int, number: int) -> tuple[int, str | None]:
    """The chunk's number, and its failure in words (None: it passed)."""
    wanted = settings(
        max_examples=CHUNK,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(f"{seed}/{number}")(Town), settings=wanted)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is what was looked for
        notes = "\n".join(getattr(failure, "__notes__", ()))
        return number, f"{''.join(traceback.format_exception(failure))}\n{notes}"
    return number, None


def run_chunks(seed: int, chunks: Iterable[int], processes: int) -> Iterator[tuple[int, str | None]]:
    """As each is done. Raises nothing."""
    # A process for each chunk: nothing is carried over, so that a chunk can be run again by itself.
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(partial(run_chunk, seed), chunks)
