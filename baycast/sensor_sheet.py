"""One sensor on one page: `baycast sensors DEVICE`, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from occupancy.answers import instant
from occupancy.clocks import z
from occupancy.maintenance import KeptPromise, SaidWord, SensorSheet, defects
from occupancy.model import Suspicion

LOOKED_BACK = timedelta(days=7)
"""How far back the promise to speak and suspicions are looked at, from the area's time."""


def in_words(sheet: SensorSheet) -> Iterator[str]:
    """The page, line by line."""
    record, sensor = sheet.record, sheet.record.sensor
    yield f"{record.device_id} in {sensor.area_id}: {sensor.model}, {_place(sheet)}, {_way(sheet)}"
    said = "nothing yet" if record.state is None else record.state.value
    yield f"  says      {said}{_time(' at', record.stated_at)}{_time(', heard', record.heard_at)}"
    if sheet.shown is not None:
        shown = sheet.shown
        yield (
            f"  shown     {shown.state.value}{_time(' since', shown.since)}, confidence {shown.confidence:.2f}: "
            f"{shown.reason}"
        )
    yield f"  promise   a word every {sensor.expected_heartbeat_s} s{_kept(sheet.promise)}"
    words = record.agreed + record.missed
    yield f"  missing   {record.missed} of {words} words showed one before them to be missing"
    yield f"  battery   {'not reported' if record.battery_mv is None else f'{record.battery_mv} mV'}"
    if record.agreement is not None and record.agreement.said:
        yield f"  surveyed  {record.agreement.agreed} of {record.agreement.said} looks agree with it"
    for defect in defects(record):
        yield f"  wrong     {defect.words}"
    for suspicion in sheet.suspicions:
        yield f"  suspect   {_suspicion(suspicion)}"
    for word in sheet.words:
        yield f"  said      {_word(word)}"


def as_document(sheet: SensorSheet) -> dict[str, object]:
    """What the page says beyond the list's own line for the sensor."""
    sensor, shown, promise = sheet.record.sensor, sheet.shown, sheet.promise
    return {
        "gateway": sensor.gateway,
        "incarnation": sensor.incarnation,
        "expected_heartbeat_s": sensor.expected_heartbeat_s,
        "shown": None
        if shown is None
        else {
            "state": shown.state,
            "since": instant(shown.since),
            "confidence": shown.confidence,
            "reason": shown.reason,
        },
        "promise": None
        if promise is None
        else {
            "since": instant(promise.since),
            "words": promise.words,
            "broken": promise.broken,
            "longest_s": None if promise.longest is None else promise.longest.total_seconds(),
        },
        "suspected": [
            {
                "bay_id": row.bay_id,
                "kind": row.kind,
                "began_at": instant(row.began_at),
                "ended_at": instant(row.ended_at),
                "reason": row.reason,
                "evidence": dict(row.evidence),
            }
            for row in sheet.suspicions
        ],
        "said": [
            {
                "kind": word.kind,
                "at": instant(word.at),
                "received_at": instant(word.received_at),
                "occupied": word.occupied,
                "cause": word.cause,
                "prev_s": word.prev_s,
                "battery_mv": word.battery_mv,
                "temperature_c": word.temperature_c,
                "rssi_dbm": word.rssi_dbm,
                "faults": list(word.faults or ()),
            }
            for word in sheet.words
        ],
    }


def _place(sheet: SensorSheet) -> str:
    record = sheet.record
    return "watches no bay" if record.bay_id is None else f"watches {record.bay_id} in {record.zone_id}"


def _way(sheet: SensorSheet) -> str:
    gateway = sheet.record.sensor.gateway
    return "no gateway registered" if gateway is None else f"by gateway {gateway}"


def _time(words: str, at: datetime | None) -> str:
    return "" if at is None else f"{words} {z(at)}"


def _kept(promise: KeptPromise | None) -> str:
    if promise is None:
        return ""
    longest = "" if promise.longest is None else f", the longest {_long(promise.longest)}"
    return f"; {promise.words} words in {LOOKED_BACK.days} days, too long a pause: {promise.broken}{longest}"


def _long(pause: timedelta) -> str:
    minutes = round(pause / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _suspicion(row: Suspicion) -> str:
    until = "now" if row.ended_at is None else z(row.ended_at)
    evidence = ", ".join(f"{name} {value}" for name, value in sorted(row.evidence.items()))
    return f"{row.kind.value} {z(row.began_at)} to {until}: {row.reason}" + (
        f" ({evidence})" if evidence else ""
    )


def _word(word: SaidWord) -> str:
    what = (
        {True: "occupied", False: "free", None: "cannot tell"}[word.occupied] if word.kind == "state" else ""
    )
    after = "" if word.at is None else f", received {(word.received_at - word.at).total_seconds():+.0f} s"
    more = [
        f"the state before {word.prev_s} s" if word.prev_s is not None else "",
        f"{word.battery_mv} mV" if word.battery_mv is not None else "",
        f"{word.temperature_c:g} °C" if word.temperature_c is not None else "",
        f"{word.rssi_dbm:g} dBm" if word.rssi_dbm is not None else "",
        *(f"fault {fault}" for fault in word.faults or ()),
    ]
    said = " ".join(part for part in (word.cause or word.kind, what) if part)
    return f"{z(word.at or word.received_at)} {said}{after}" + "".join(f", {part}" for part in more if part)
