"""The publisher's ledger: what was sent, and for what the broker took responsibility. Lines of text, tab between.

    E message device boot seq meaning     a reading, written before its message is sent
    P message name reasons topic payload  poison (payload "-": nothing of it may be kept; size behind a colon)
    A message                             the broker's PUBACK; on disk before the publisher goes on

A reading may be in many messages (duplicates), a message may hold many readings (a gateway's batch).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from baycast.chaos.poison import Poison

Key = tuple[str, int, int]
"""(device, boot, seq)"""


class Bad(NamedTuple):
    """Poison as the ledger has it; `payload` None: none of its `size` bytes may be kept."""

    name: str
    reasons: frozenset[str]
    topic: str
    payload: bytes | None
    size: int


@dataclass(slots=True)
class Ledger:
    """Meanings are in the publisher's own words (`stream.meaning`); the first to be sent comes first."""

    sent: dict[Key, list[str]] = field(default_factory=dict)
    acked: dict[Key, set[str]] = field(default_factory=dict)
    poison: list[Bad] = field(default_factory=list)
    acked_poison: list[Bad] = field(default_factory=list)
    messages: int = 0
    acked_messages: int = 0
    readings: int = 0
    """Readings sent, each copy counted."""
    acked_readings: int = 0


def reading_line(message: int, key: Key, meaning: str) -> str:
    return f"E\t{message}\t{key[0]}\t{key[1]}\t{key[2]}\t{meaning}\n"


def poison_line(message: int, bad: Poison) -> str:
    payload = "-" if bad.stored_as is None else bad.stored_as.hex()
    reasons = ",".join(sorted(bad.reasons))
    return f"P\t{message}\t{bad.name}\t{reasons}\t{bad.stored_topic}\t{payload}:{len(bad.payload)}\n"


def ack_line(message: int) -> str:
    return f"A\t{message}\n"


def read(lines: Iterable[str]) -> Ledger:
    """The ledger's contents. Raises `ValueError` for a line that is none."""
    ledger = Ledger()
    waiting: dict[int, list[tuple[Key, str] | Bad]] = {}
    for line in lines:
        mark, _, rest = line.rstrip("\n").partition("\t")
        match mark:
            case "E":
                number, device, boot, seq, meaning = rest.split("\t")
                key = (device, int(boot), int(seq))
                meanings = ledger.sent.setdefault(key, [])
                if meaning not in meanings:
                    meanings.append(meaning)
                waiting.setdefault(int(number), []).append((key, meaning))
                ledger.readings += 1
            case "P":
                number, name, reasons, topic, payload = rest.split("\t")
                body, _, size = payload.rpartition(":")
                kept = None if body == "-" else bytes.fromhex(body)
                bad = Bad(name, frozenset(reasons.split(",")), topic, kept, int(size))
                ledger.poison.append(bad)
                waiting.setdefault(int(number), []).append(bad)
            case "A":
                ledger.acked_messages += 1
                _acknowledge(ledger, waiting.pop(int(rest), []))
            case _:
                raise ValueError(f"no line of a ledger: {line!r}")
    ledger.messages = ledger.acked_messages + len(waiting)
    return ledger


def _acknowledge(ledger: Ledger, held: list[tuple[Key, str] | Bad]) -> None:
    for one in held:
        if isinstance(one, Bad):
            ledger.acked_poison.append(one)
        else:
            ledger.acked.setdefault(one[0], set()).add(one[1])
            ledger.acked_readings += 1
