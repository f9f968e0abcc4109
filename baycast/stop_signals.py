"""SIGTERM and SIGINT as an event that loops wait for."""

import signal
import threading
from types import FrameType


def stop_on_signals() -> threading.Event:
    """From now on the first SIGTERM or SIGINT sets the event; a second SIGINT interrupts whatever hangs."""
    stop = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop
