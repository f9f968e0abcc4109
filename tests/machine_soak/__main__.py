"""Many sequences of tests/property/test_engine_machine.py: in chunks with seeds of their own, over several processes.

A line after each chunk says how far it is. What is done is kept in a file, so that the same command takes up where it
was stopped. A chunk that fails prints its shortest failing sequence and its own seed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

CHUNK = 250
"""Sequences that share a seed: some minutes at most are lost by a stop."""


def run_chunk(seed: int, number: int, *, size: int = CHUNK) -> tuple[int, str | None]:
    """The chunk's number, and its failure in words (None: it passed)."""
    import hypothesis
    from hypothesis import HealthCheck, settings
    from hypothesis.stateful import run_state_machine_as_test

    from tests.property.test_engine_machine import STEPS, Town

    wanted = settings(
        max_examples=size,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(f"{seed}/{number}")(Town), settings=wanted)
    except Exception as failure:
        notes = "\n".join(getattr(failure, "__notes__", ()))
        return number, f"{''.join(traceback.format_exception(failure))}\n{notes}"
    return number, None


def soak(seed: int, sequences: int, processes: int, kept: Path) -> int:
    """How many chunks failed."""
    chunks = -(-sequences // CHUNK)
    done: set[int] = set(json.loads(kept.read_text())) if kept.exists() else set()
    left = [number for number in range(chunks) if number not in done]
    print(f"seed {seed}: {chunks} chunks of {CHUNK} sequences, {len(left)} left; kept in {kept}", flush=True)
    failed, since = 0, time.monotonic()
    for n, (number, failure) in enumerate(_results(seed, left, processes), 1):
        if failure is None:
            done.add(number)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(sorted(done)))
        else:
            failed += 1
            print(f"chunk {number} of seed {seed} failed:\n{failure}", flush=True)
        rate = n * CHUNK / (time.monotonic() - since)
        print(
            f"{len(done) * CHUNK} of {chunks * CHUNK} sequences passed, {rate:.1f}/s, {failed} chunks failed",
            flush=True,
        )
    return failed


def _results(seed: int, left: list[int], processes: int) -> Iterator[tuple[int, str | None]]:
    # A process for each chunk: nothing is carried over, so that a chunk can be run again by itself.
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(partial(run_chunk, seed), left)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.machine_soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=100_000)
    parser.add_argument("-n", "--processes", type=int, default=2)
    parser.add_argument("--chunk", type=int, help="run this chunk alone")
    asked = parser.parse_args()
    if asked.chunk is not None:
        failure = run_chunk(asked.seed, asked.chunk)[1]
        sys.exit(failure)
    kept = Path(".hypothesis") / f"machine-soak-{asked.seed}.json"
    sys.exit(1 if soak(asked.seed, asked.sequences, asked.processes, kept) else 0)


if __name__ == "__main__":
    main()
