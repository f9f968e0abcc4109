"""The process that issues forecasts, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from occupancy.engine.forecasts import ForecastConfig, run
from occupancy.engine.forecasts.serving import utc_now
from occupancy.model import AreaId


class EndlessTraining:
    """It never comes to an end."""

    def poll(self) -> int | None:
        return None

    def kill(self) -> None:
        """It is gone."""


@contextmanager
def running(
    config: ForecastConfig,
    clock: Callable[[], datetime] = utc_now,
    start_training: Callable[[AreaId], EndlessTraining] = lambda _: EndlessTraining(),
) -> Iterator[None]:
    stop = threading.Event()
    failed: list[BaseException] = []

    def body() -> None:
        try:
            run(config, stop, start_training, clock)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not failed, failed
