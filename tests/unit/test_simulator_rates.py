"""Rates set by hand: what they do to a scenario, and what is said of those that cannot be."""

from dataclasses import fields, replace

import pytest

from simulator.rates import with_rates
from simulator.scenarios import SCENARIOS, Clocks, Faults

TYPICAL = SCENARIOS["typical"]


def test_what_is_set_is_set_and_the_rest_stays() -> None:
    found = with_rates(TYPICAL, ["loss=0.05,0.1", "missed_arrival=0.02", "clocks.hours=0.3", "snow_days=2"])
    clocks = replace(TYPICAL.clocks, hours=0.3)
    assert found == replace(
        TYPICAL, loss=(0.05, 0.1), missed_arrival=(0.02, 0.02), clocks=clocks, snow_days=2
    )
    assert with_rates(TYPICAL, []) == TYPICAL
    assert with_rates(TYPICAL, ["network_down_hours=2,12,1"]).network_down_hours == (2, 12, 1)
    assert with_rates(TYPICAL, ["network_down_hours=0"]).network_down_hours == ()


@pytest.mark.parametrize("field", [field.name for field in fields(Faults) if field.name != "clocks"])
def test_every_rate_can_be_set(field: str) -> None:
    value = getattr(with_rates(Faults(), [f"{field}=1"]), field)
    assert value in (1, (1, 1), (1,))
    assert isinstance(value, type(getattr(Faults(), field)))


@pytest.mark.parametrize("field", [field.name for field in fields(Clocks)])
def test_every_fault_of_clocks_can_be_set(field: str) -> None:
    assert getattr(with_rates(Faults(), [f"clocks.{field}=1"]).clocks, field) == 1


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("loss", "NAME=VALUE"),
        ("los=0.1", "did you mean loss"),
        ("clocks=0.1", "clocks.minutes"),
        ("loss=often", "loss: 'often' is no number"),
        ("loss=1.5", "loss: 1.5 is not from 0 to 1"),
        ("loss=nan", "not from 0 to 1"),
        ("loss=0.2,0.1", "the least and the most"),
        ("crosstalk=0.1,0.2", "one number"),
        ("snow_days=1.5", "whole days"),
        ("clocks.drift=1", "together they are at most 1"),
        ("flap_h=-1", "flap_h: -1 is not from 0 to 1000"),
    ],
)
def test_a_rate_that_cannot_be_is_refused_by_name(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match="--set") as refused:
        with_rates(TYPICAL, [setting])
    assert says in str(refused.value)
