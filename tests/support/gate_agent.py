"""A real gate agent as a process, cameras that post to it, and plates that must be found nowhere."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
LETTERS = "ABCDEFGHJKLMNOPRSTUVWXY"


def plates(number: int, seed: int) -> list[str]:
    """British plates of today's form, each once."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < number:
        area = "".join(chance.choices(LETTERS, k=2))
        found[f"{area}{chance.randint(2, 74):02} {''.join(chance.choices(LETTERS, k=3))}"] = None
    return list(found)


class GateAgent:
    """`baycast gate` with two cameras, `entry` for g-in and `exit` for g-out."""

    def __init__(self, folder: Path, mqtt_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "gate.log"
        self.config = folder / "gate.toml"
        self.config.write_text(
            f'port = {self.port}\n[cameras.entry]\ndevice_id = "g-in"\ndirection = "in"\n'
            '[cameras.exit]\ndevice_id = "g-out"\ndirection = "out"\n'
        )
        self._url = mqtt_url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {"BAYCAST_MQTT_URL": self._url, "BAYCAST_LOG_LEVEL": "debug"}
        arguments = ["gate", str(self.config), "--buffer", "gate.db", "--key-file", "keys.json"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "baycast", *arguments],
                cwd=self.folder,
                env=environment | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, 20)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def __enter__(self) -> GateAgent:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        status = self.stop()
        assert kind is not None or status == 0, f"the agent ended with {status}"

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def _answers(self) -> bool:
        with closing(self.connection()) as probe:
            try:
                return self.post(probe, "/healthz", None)[0] == 204
            except OSError:
                return False

    def post(
        self, connection: http.client.HTTPConnection, path: str, event: object | None
    ) -> tuple[int, bytes]:
        if event is None:
            connection.request("GET", path)
        else:
            body = event if isinstance(event, bytes) else json.dumps(event).encode()
            connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def leaked(haystack: bytes, secret: Iterable[str]) -> set[str]:
    """Which of the plates are in the bytes: plain or spaced in either case, hex, base64, or as an unkeyed hash."""
    compact = {plate.replace(" ", ""): plate for plate in secret}
    text = haystack.decode("latin-1")
    squeezed = re.sub(r"[ \-_.]", "", text)
    found = set()
    for body in (text, squeezed):
        found |= {
            m[1].upper() for m in re.finditer(r"(?=([A-Z]{2}\d{2}[A-Z]{3}|[a-z]{2}\d{2}[a-z]{3}))", body)
        }
    forms: dict[str, str] = {}
    for plain, plate in compact.items():
        for form in (plain, plate, plain.lower(), plate.lower()):
            raw = form.encode()
            forms |= {
                kind(raw).hexdigest()[:14]: plain for kind in (hashlib.md5, hashlib.sha1, hashlib.sha256)
            }
            forms[raw.hex()[:14]] = plain
            forms[base64.b64encode(raw).decode()[:9]] = plain
            forms |= {
                base64.urlsafe_b64encode(kind(raw).digest()).decode()[:14]: plain
                for kind in (hashlib.md5, hashlib.sha1, hashlib.sha256)
            }
    hexes = {m[1].lower() for m in re.finditer(r"(?=([0-9a-fA-F]{14}))", text)}
    coded = {m[1] for m in re.finditer(r"(?=([A-Za-z0-9+/_-]{9}))", text)}
    coded |= {m[1] for m in re.finditer(r"(?=([A-Za-z0-9_-]{14}))", text)}
    hashed = {forms[form] for form in (hexes | coded) & forms.keys()}
    return {compact[plain] for plain in (found | hashed) & compact.keys()}
