"""What a client wants to hear of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """Nothing said is no limit. `bbox` is west, south, east, north in degrees; `stay_min` minutes."""

    areas: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    driver: str = "general"
    stay_min: int | None = None

    def parameters(self) -> dict[str, str | int]:
        """As the query and the message have it."""
        found: dict[str, str | int] = {}
        if self.areas:
            found["area"] = ",".join(self.areas)
        if self.zones:
            found["zones"] = ",".join(self.zones)
        if self.bbox is not None:
            found["bbox"] = ",".join(f"{degrees:f}" for degrees in self.bbox)
        if self.driver != "general":
            found["for"] = self.driver
        if self.stay_min is not None:
            found["stay_min"] = self.stay_min
        return found
