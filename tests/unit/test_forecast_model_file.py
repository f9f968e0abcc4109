"""Models as bytes: they come back as they went, and what is damaged is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from occupancy.forecast import model_file
from occupancy.forecast.issue import GRID
from occupancy.forecast.issuing import issue
from occupancy.forecast.model import Model, empty_model
from occupancy.forecast.model_file import ModelFileError, from_bytes, to_bytes
from occupancy.forecast.training import train
from tests.support.panels import town
from tests.unit.test_forecast_issuing import AREA, WEEK
from tests.unit.test_forecast_training import BAYS, KINDS, MONDAY, PLACES, recent

DAYS = 9
PANEL = town(DAYS, step=GRID.step)


@pytest.fixture(scope="module")
def model() -> Model:
    return train(PANEL, PLACES, KINDS, BAYS, MONDAY + timedelta(days=DAYS))


def test_a_model_comes_back_and_says_the_same(model: Model) -> None:
    back = from_bytes(to_bytes(model))
    assert (back.version, back.trained_to) == (model.version, model.trained_to)
    assert (back.places, back.kinds) == (model.places, model.kinds)
    assert back.sources == model.sources
    step = DAYS * GRID.per_day - 1
    now = MONDAY + step * GRID.step
    one, other = (issue(each, AREA, recent(PANEL, step), BAYS, WEEK, now) for each in (model, back))
    assert other.quantiles == pytest.approx(one.quantiles, abs=1e-6)
    assert other.any_free == pytest.approx(one.any_free, abs=1e-2)  # a step where errors stand side by side
    assert np.median(abs(other.any_free - one.any_free)) < 1e-6


@pytest.mark.parametrize("at", [0, 40, -40, -1])
def test_a_file_of_which_one_bit_is_wrong_is_refused(model: Model, at: int) -> None:
    data = bytearray(to_bytes(model))
    data[at] ^= 1
    with pytest.raises(ModelFileError, match=r"begin|checksum"):
        from_bytes(bytes(data))


@pytest.mark.parametrize("kept", [0, 10, 1_000, -1])
def test_a_file_that_was_cut_off_is_refused(model: Model, kept: int) -> None:
    with pytest.raises(ModelFileError, match=r"begin|checksum"):
        from_bytes(to_bytes(model)[:kept])


def test_a_model_of_another_format_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("occupancy.forecast.model_file.FORMAT", 99)
    data = to_bytes(model)
    assert json.loads(data.splitlines()[1])["format"] == 99
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="format 99"):
        from_bytes(data)


def test_a_whole_file_that_lacks_something_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = model_file._arrays
    for lacking in ("trusted.0", "days"):
        monkeypatch.setattr(
            model_file,
            "_arrays",
            lambda model, lacking=lacking: [one for one in kept(model) if one[0] != lacking],
        )
        with pytest.raises(ModelFileError, match="not made as models are today.*" + lacking):
            from_bytes(to_bytes(model))


def test_a_model_that_has_learnt_nothing_is_not_kept() -> None:
    with pytest.raises(ValueError, match="learnt nothing"):
        to_bytes(empty_model(PLACES, KINDS, BAYS))
