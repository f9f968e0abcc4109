"""Rates given by hand in place of a scenario's own: `NAME=VALUE`, as the table of scenarios names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from simulator.scenarios import Clocks, Faults

_MOST = 1_000.0
_UNITS = ("_h", "_day", "_week", "_month", "_hours", "_days")
"""What is not named by one of them is a share."""
_CLOCKS = "clocks."
_PAIRS = {field.name for field in fields(Faults) if isinstance(field.default, tuple)} - {"network_down_hours"}
_NAMES = (
    *(field.name for field in fields(Faults) if field.name != "clocks"),
    *(_CLOCKS + field.name for field in fields(Clocks)),
)


def with_rates(faults: Faults, settings: Iterable[str]) -> Faults:
    """The faults with some rates set, each as `loss=0.05`, `loss=0.05,0.1` (least and most) or `clocks.minutes=0.1`.

    Raises `ValueError`, whose text names the rate and says what would do.
    """
    for setting in settings:
        name, sign, text = setting.partition("=")
        name = name.strip()
        if not sign:
            raise ValueError(f"--set {setting}: a rate is set as NAME=VALUE, such as loss=0.05")
        if name not in _NAMES:
            near = get_close_matches(name, _NAMES, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise ValueError(
                f"--set {setting}: no rate is called {name}; {meant}There are {', '.join(_NAMES)}"
            )
        value = _value(name, text)
        if name.startswith(_CLOCKS):
            faults = replace(faults, clocks=replace(faults.clocks, **{name.removeprefix(_CLOCKS): value}))
        else:
            faults = replace(faults, **{name: value})
    wrong_clocks = sum(getattr(faults.clocks, field.name) for field in fields(Clocks))
    if wrong_clocks > 1:
        raise ValueError(f"--set clocks: their shares make {wrong_clocks:g}, and together they are at most 1")
    return faults


def _value(name: str, text: str) -> Any:
    """What is written, as the field of that name wants it."""
    numbers = [_number(name, part) for part in text.split(",")]
    if name == "network_down_hours":
        return tuple(number for number in numbers if number)
    if name in _PAIRS:
        if len(numbers) > 2 or numbers[0] > numbers[-1]:
            raise ValueError(
                f"--set {name}={text}: one number, or the least and the most such as {name}=0.01,0.05"
            )
        return numbers[0], numbers[-1]
    if len(numbers) > 1:
        raise ValueError(f"--set {name}={text}: one number")
    if name == "snow_days":
        if numbers[0] != int(numbers[0]):
            raise ValueError(f"--set {name}={text}: whole days")
        return int(numbers[0])
    return numbers[0]


def _number(name: str, text: str) -> float:
    most = _MOST if name.endswith(_UNITS) else 1.0
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"--set {name}: {text!r} is no number") from None
    if not 0 <= number <= most:
        raise ValueError(f"--set {name}: {text} is not from 0 to {most:g}")
    return number
