"""Faults of the network: what the proxies do for a step."""

from __future__ import annotations

from collections.abc import Callable

from baycast.chaos.proxy import FaultProxy, Toxics
from baycast.chaos.schedule import Fault, Step
from baycast.chaos.stack import eventually

_CUT_WITHIN_S = 5.0
_LASTING = {
    Fault.DB_BLACKHOLE: Toxics(blackhole=True),
    Fault.MQTT_BLACKHOLE: Toxics(blackhole=True),
    Fault.DB_SLOW: Toxics(latency_s=0.15),
    Fault.MQTT_SLOW: Toxics(latency_s=0.15),
    Fault.DB_SLICES: Toxics(slice_bytes=7),
    Fault.MQTT_SLICES: Toxics(slice_bytes=7),
}


def strike(
    proxy: FaultProxy, step: Step, hold: Callable[[float], None], meanwhile: Callable[[], None]
) -> bool:
    """One fault to its end; False when it found nothing to break in time.

    Cuts are made in both directions by turns: what is cut up is a statement or a PUBACK, down a result or a PUBLISH.
    """
    toxics = _LASTING.get(step.fault)
    if toxics is None:
        where = Toxics(cut_up=step.count) if step.count % 2 else Toxics(cut_down=step.count)
        return cut_at(proxy, where, meanwhile)
    proxy.set(toxics)
    try:
        hold(step.seconds)
    finally:
        proxy.set(Toxics())
    if toxics.blackhole:  # afterwards the connections are gone, as a firewall forgets them
        proxy.reset()
    return True


def cut_at(proxy: FaultProxy, where: Toxics, meanwhile: Callable[[], None]) -> bool:
    """Wait for the cut; False when the byte did not come in time."""
    cuts = proxy.cuts
    proxy.set(where)
    try:
        return eventually(lambda: proxy.cuts > cuts, _CUT_WITHIN_S, meanwhile)
    finally:
        proxy.set(Toxics())
