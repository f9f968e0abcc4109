"""`python -m tests.fuzz`: ten million odd inputs for the decoder and the packet parser, and one JSON object of figures.

The exit status is 1 when anything was raised, took more than 100 ms, or memory grew beyond the bound.
"""

import argparse
import json
import sys
import time
from collections import Counter

from baycast.measured import measured
from tests.fuzz.run import BLOCK, blocks, run_all

RSS_MAX_MIB = 256
_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--decode", type=int, default=8_400_000, metavar="N", help="inputs for the decoder")
    parser.add_argument(
        "--parse", type=int, default=2_000_000, metavar="N", help="streams for the packet parser"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same inputs")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="how many work at a time")
    args = parser.parse_args()

    began = time.monotonic()
    inputs: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    failures: list[str] = []
    slow = 0
    worst_s = {"decode": 0.0, "parse": 0.0}
    rss = 0
    todo = [*blocks("decode", args.seed, args.decode), *blocks("parse", args.seed, args.parse)]
    for done, outcome in enumerate(run_all(todo, args.processes), 1):
        inputs[outcome.target] += outcome.inputs
        figures += outcome.figures
        for failure in outcome.failures[: max(0, _SHOWN - len(failures))]:
            print(failure, flush=True)
        failures += outcome.failures
        slow += outcome.slow
        worst_s[outcome.target] = max(worst_s[outcome.target], outcome.worst_s)
        rss = max(rss, outcome.rss)
        if done % 50 == 0:
            print(f"{done * BLOCK:>12,} of {len(todo) * BLOCK:,}, {len(failures)} failures", file=sys.stderr)
    rss_mib = rss / 2**20
    result = measured(
        "fuzz",
        args.seed,
        {
            "inputs": inputs.total(),
            "decode_inputs": inputs["decode"],
            "parse_inputs": inputs["parse"],
            **figures,
            "uncaught": len(failures) - slow,
            "over_100_ms": slow,
            "decode_worst_ms": 1000 * worst_s["decode"],
            "parse_worst_ms": 1000 * worst_s["parse"],
            "rss_max_mib": rss_mib,
            "seconds": time.monotonic() - began,
        },
    )
    print(json.dumps(result))
    return 1 if failures or rss_mib > RSS_MAX_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
