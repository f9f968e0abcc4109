"""Many sequences of tests/property/test_engine_machine.py: in chunks with seeds of their own, over several processes.

A line after each chunk says how far it is. What is done is kept in a file, so that the same command takes up where it
was stopped, as long as the engine and its tests are the same. A chunk that fails prints its shortest failing sequence
and its own seed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

from tests.machine_soak.run import CHUNK, run_chunk, run_chunks


def soak(seed: int, sequences: int, processes: int, kept: Path) -> int:
    """How many chunks failed."""
    chunks = -(-sequences // CHUNK)
    done: set[int] = set(json.loads(kept.read_text())) if kept.exists() else set()
    left = [number for number in range(chunks) if number not in done]
    print(f"seed {seed}: {chunks} chunks of {CHUNK} sequences, {len(left)} left; kept in {kept}", flush=True)
    failed, since = 0, time.monotonic()
    for n, (number, failure) in enumerate(run_chunks(seed, left, processes), 1):
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


def code_of(root: Path) -> str:
    """Names the code that the sequences are run on: what passed on another says nothing of this."""
    digest = hashlib.sha256()
    for room in ("occupancy", "tests/support", "tests/property"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


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
    kept = Path(".hypothesis") / f"machine-soak-{asked.seed}-{code_of(Path())}.json"
    sys.exit(1 if soak(asked.seed, asked.sequences, asked.processes, kept) else 0)


if __name__ == "__main__":
    main()
