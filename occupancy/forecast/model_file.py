"""Models as bytes: a line that says what follows, arrays one after the other, and a checksum. Nothing in it is code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupancy.forecast.issue import GRID, HORIZONS, LEVELS, Place
from occupancy.forecast.kinds import Kind
from occupancy.forecast.making import Horizon, Weeks
from occupancy.forecast.model import Model
from occupancy.forecast.spread import KEPT, PARTS_PER_DAY, Band
from occupancy.forecast.trees import Grown
from occupancy.model import BayType, ZoneId

FORMAT = 2
"""Goes up with every change of what a model is made of; a model of another format is trained anew, not read."""
_MAGIC = b"baycast forecast model\n"
_CHECKED = hashlib.sha256
_SHAPES = {
    "step_s": GRID.step.total_seconds(),
    "horizons_s": [ahead.total_seconds() for ahead in HORIZONS],
    "levels": list(LEVELS),
    "parts_per_day": PARTS_PER_DAY,
    "kept": KEPT,
}

_KINDS = {"f": np.float64, "i": np.int64}
Array = NDArray[Any]


class ModelFileError(ValueError):
    """What is in a file is no model that can be used; the sentence says why."""


def to_bytes(model: Model) -> bytes:
    """Raises `ValueError` for a model that has learnt nothing."""
    if model.trained_to is None:
        raise ValueError("a model that has learnt nothing is not kept")
    arrays = dict(_arrays(model))
    head = {
        "format": FORMAT,
        "version": model.version,
        "trained_to": model.trained_to.isoformat(),
        "made_for": _SHAPES,
        "places": [[place.zone_id, place.bay_type.value, *place.rule_ids] for place in model.places],
        "kinds": list(model.kinds),
        "left": [horizon.left for horizon in model.horizons],
        "arrays": [[name, array.dtype.str, *array.shape] for name, array in arrays.items()],
    }
    body = b"".join(array.tobytes() for array in arrays.values())
    whole = _MAGIC + json.dumps(head).encode() + b"\n" + body
    return whole + _CHECKED(whole).digest()


def from_bytes(data: bytes) -> Model:
    """The inverse. Raises `ModelFileError`."""
    size = _CHECKED().digest_size
    whole, checksum = data[:-size], data[-size:]
    if not whole.startswith(_MAGIC):
        raise ModelFileError("it does not begin as a forecast model does")
    if _CHECKED(whole).digest() != checksum:
        raise ModelFileError("its checksum does not fit: it was cut off or changed")
    line, _, body = whole[len(_MAGIC) :].partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT or head["made_for"] != _SHAPES:
            raise ModelFileError(f"it is of format {head['format']} for other forecasts than those of today")
        return _model(head, _read(head["arrays"], body))
    except (LookupError, TypeError, ValueError) as other:
        if isinstance(other, ModelFileError):
            raise
        raise ModelFileError(f"it is not made as models are today: {other!r}") from other


def _arrays(model: Model) -> Iterator[tuple[str, Array]]:
    """Single precision is more than what is seen is worth."""
    yield "days", model.days.astype("<i8")
    for name in ("usual", "lately", "some_free"):
        yield name, getattr(model.weeks, name).astype("<f4")
    yield "residuals", model.residuals.astype("<f4")
    for number, horizon in enumerate(model.horizons):
        for name in ("coefficients", "odds"):
            if (found := getattr(horizon, name)) is not None:
                yield f"{name}.{number}", found.astype("<f8")
        for name in ("weights", "trusted", "trusted_chances"):
            yield f"{name}.{number}", getattr(horizon, name).astype("<f8")
        if (grown := horizon.grown) is not None:
            for name, text in (("further", grown.further_text), ("chances", grown.chances_text)):
                if text is not None:
                    yield f"{name}.{number}", np.frombuffer(text.encode(), dtype="u1")
        yield f"ordered.{number}", horizon.band.ordered.astype("<f4")
        yield f"counts.{number}", horizon.band.counts.astype("<i4")
        yield f"misses.{number}", horizon.band.misses.astype("<f8")


def _read(described: list[list[Any]], body: bytes) -> dict[str, Array]:
    found, offset = {}, 0
    for name, kind, *shape in described:
        array = np.frombuffer(body, dtype=kind, count=int(np.prod(shape)), offset=offset).reshape(shape)
        found[name] = array if kind == "|u1" else array.astype(_KINDS[array.dtype.kind])
        offset += array.nbytes
    return found


def _model(head: Mapping[str, Any], arrays: Mapping[str, Array]) -> Model:
    return Model(
        version=head["version"],
        trained_to=datetime.fromisoformat(head["trained_to"]).astimezone(UTC),
        places=tuple(
            Place(ZoneId(zone_id), BayType(bay_type), tuple(rules))
            for zone_id, bay_type, *rules in head["places"]
        ),
        kinds=tuple(Kind(kind) for kind in head["kinds"]),
        days=arrays["days"],
        weeks=Weeks(arrays["usual"], arrays["lately"], arrays["some_free"]),
        residuals=arrays["residuals"],
        horizons=tuple(
            Horizon(
                ahead=GRID.steps(ahead),
                left=head["left"][number],
                coefficients=arrays.get(f"coefficients.{number}"),
                weights=arrays[f"weights.{number}"],
                band=Band(*(arrays[f"{name}.{number}"] for name in ("ordered", "counts", "misses"))),
                odds=arrays.get(f"odds.{number}"),
                grown=_grown(arrays.get(f"further.{number}"), arrays.get(f"chances.{number}")),
                trusted=arrays[f"trusted.{number}"],
                trusted_chances=arrays[f"trusted_chances.{number}"],
            )
            for number, ahead in enumerate(HORIZONS)
        ),
    )


def _grown(further: Array | None, chances: Array | None) -> Grown | None:
    if further is None:
        return None
    return Grown(further.tobytes().decode(), None if chances is None else chances.tobytes().decode())
