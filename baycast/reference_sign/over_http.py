"""What is shown, told to the API by POST with the sign's key."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

from baycast.reference_sign.inbox import BackOff, say

_ANSWER_S = 5.0


class OverHttp:
    """One report at a time, in a thread; the newest takes the place of one that waits."""

    def __init__(self, sign_id: str, api_url: str, key: str) -> None:
        self._url = f"{api_url.rstrip('/')}/v1/signs/{sign_id}/shown"
        self._key = key
        self._waiting: bytes | None = None
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._back_off = BackOff()
        self._thread = threading.Thread(target=self._run, name="shown over HTTP", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join(_ANSWER_S)

    def report(self, payload: bytes) -> None:
        """Say what is shown."""
        self._waiting = payload
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            payload, self._waiting = self._waiting, None
            if payload is not None and not self._sent(payload):
                self._stopped.wait(self._back_off.pause_s())

    def _sent(self, payload: bytes) -> bool:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url, payload, headers)  # noqa: S310 - http or https: checked
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S):  # noqa: S310
                pass
        except (urllib.error.URLError, OSError) as problem:
            say(f"could not say what is shown: {problem}")
            return False
        self._back_off.reset()
        return True
