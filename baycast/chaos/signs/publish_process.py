"""`baycast publish` that takes a silent pipeline for dead after another time than the 30 s that it ships with."""

from __future__ import annotations

import sys
from dataclasses import replace

from pydantic_settings import BaseSettings, SettingsConfigDict

from baycast.logging_setup import configure_logging
from baycast.settings import load
from baycast.stop_signals import stop_on_signals
from baycast.wiring import publish_config

STALE_VARIABLE = "BAYCAST_CHAOS_STALE_AFTER_S"


class _Shorter(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BAYCAST_CHAOS_", env_ignore_empty=True)

    stale_after_s: float = 30.0


def main() -> int:
    from publish.run import run

    stop = stop_on_signals()
    settings = load()
    configure_logging("publish", settings.log_level, settings.log_format)
    run(replace(publish_config(settings), stale_after_s=_Shorter().stale_after_s), stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
