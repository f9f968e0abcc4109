"""What each figure of history is, as machines are told."""

from __future__ import annotations

from typing import Any

from occupancy.history.definitions import DEFINITIONS, HISTOGRAM_MIN
from occupancy.history.metrics import SMALL
from occupancy.surveys import AGREEMENT


def definitions_document(least_coverage: float) -> dict[str, Any]:
    return {
        "least_coverage": least_coverage,
        "suppressed_up_to": SMALL,
        "histogram_up_to_min": [*HISTOGRAM_MIN, None],
        "agreement": AGREEMENT,
        "missing": {
            "coverage": "too little was observed for an honest figure",
            "few": "so few vehicles that somebody might be known by it",
            "none": "nothing happened that it could be made of",
        },
        "figures": [
            {
                "name": definition.name,
                "report": definition.report.value,
                "unit": definition.unit,
                "formula": definition.formula,
                "needs": definition.needs.value,
                "cds": definition.cds,
            }
            for definition in DEFINITIONS
        ],
    }
