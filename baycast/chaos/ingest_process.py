"""`baycast ingest` with a crash point that the environment arms: `python -m baycast.chaos.ingest_process`."""

from __future__ import annotations

import sys
from dataclasses import replace

from pydantic_settings import BaseSettings, SettingsConfigDict

from baycast.logging_setup import configure_logging
from baycast.settings import load
from baycast.stop_signals import stop_on_signals
from baycast.wiring import ingest_config

CRASH_VARIABLE = "BAYCAST_CHAOS_CRASH_POINT"
_QUARANTINE_PER_HOUR = 1_000_000
"""Every bad message is to be kept: the auditor looks for each one's bytes."""


class _Armed(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BAYCAST_CHAOS_", env_ignore_empty=True)

    crash_point: str | None = None


def main() -> int:
    from ingest.failures import IngestError
    from ingest.run import run

    stop = stop_on_signals()
    settings = load()
    configure_logging("ingest", settings.log_level, settings.log_format)
    config = replace(
        ingest_config(settings), crash_point=_Armed().crash_point, quarantine_per_hour=_QUARANTINE_PER_HOUR
    )
    try:
        run(config, stop)
    except IngestError as error:
        print(f"ingest: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
