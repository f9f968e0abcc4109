"""From the buffer to the broker: in order, at QoS 1, and out of the buffer only when the broker has it."""

from __future__ import annotations

import logging
import threading

from baycast.gate.buffer import Buffer
from simulator.publisher import Publisher

_log = logging.getLogger("baycast.gate")

WINDOW = 200
_IDLE_S = 0.1
_REFUSED_S = 5.0


def deliver(buffer: Buffer, out: Publisher, stop: threading.Event) -> None:
    """Until `stop`. What the broker did not acknowledge stays in the buffer; sent twice, it counts once (L2)."""
    while not stop.is_set():
        waiting = buffer.waiting(WINDOW)
        if not waiting:
            stop.wait(_IDLE_S)
            continue
        refused = out.refused
        sent = all(out.publish(topic, body, stop) for _, topic, body in waiting)
        if not sent or not out.drain(None, stop):
            return
        if out.refused > refused:
            _log.error("the broker refuses passages: check the agent's account and topic rules")
            stop.wait(_REFUSED_S)
            continue
        buffer.delivered(waiting[-1][0])
