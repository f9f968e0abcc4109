"""Between a registration and the first word of what was registered."""

from __future__ import annotations

import time

from ingest.config import REGISTRY_POLL_S

_LOADS_S = 0.5
"""What loading the registry takes, of a large area too."""


def let_ingest_learn() -> None:
    """Give every ingest worker the time to read the registry again.

    A worker that hears the notification does at once, one that misses it by its own clock. None says so: there may be
    none yet, or several, on other machines, so there is nothing to wait for but that time. Who speaks before it is not
    lost but waits in quarantine; only a flood of unknown devices, as a replay would be, is more than that keeps.
    """
    time.sleep(REGISTRY_POLL_S + _LOADS_S)
