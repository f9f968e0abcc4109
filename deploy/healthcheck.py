"""Health of one role in its container: `healthcheck.py URL [METRIC MOST]`.

Healthy when the URL answers 200 and, where named, the metric is there and not above the bound. Only the standard
library: it runs every few seconds.
"""

import sys
import urllib.request


def main(url: str, metric: str | None = None, most: str = "0") -> int:
    """The exit status that Docker wants: 0 healthy, 1 not."""
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 (a URL of ours)
            text = answer.read().decode()
    except OSError as error:
        print(f"{url}: {error}")  # noqa: T201
        return 1
    if metric is None:
        return 0
    values = [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.split("{")[0].split(" ")[0] == metric
    ]
    print(f"{metric}: {values}")  # noqa: T201
    return 0 if values and max(values) <= float(most) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
