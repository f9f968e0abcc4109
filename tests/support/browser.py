"""A real browser without a window: Debian's chromium, spoken to over its DevTools protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

from baycast.settings import child_environment
from tests.support.waiting import eventually

CHROMIUM = shutil.which("chromium")
_START_WITHIN_S = 60.0
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    # Whatever else it would like to look up is not found: the tests speak to this machine alone.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


_KEYS = {"Tab": 9, "ArrowUp": 38, "ArrowDown": 40}
"""Their virtual key codes."""


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._names = count(1)

    def open(self, url: str, *, first: str = "") -> None:
        """Go to a page; the script `first` runs before any of the page's own."""
        self._ask("Page.enable")
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=first)
        self._ask("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What an expression is on the page now, as JSON has it. Raises `AssertionError` where it throws."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go of a key that writes nothing, as `ArrowDown` or `Tab`, where the focus is."""
        for kind in ("rawKeyDown", "keyUp"):
            self._ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key]
            )

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        name = next(self._names)
        self._connection.send(json.dumps({"id": name, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=_START_WITHIN_S))
            if answer.get("id") == name:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result


@contextmanager
def opened_browser(folder: Path) -> Iterator[Page]:
    """A browser with an empty profile, and its one tab; what it says goes into `folder`."""
    # The names of its sockets, which lie beside its profile, have a hundred characters at most.
    with (
        TemporaryDirectory(prefix="bc-", ignore_cleanup_errors=True) as short,
        (folder / "chromium.log").open("wb") as output,
    ):
        process = _started(Path(short), output)
        try:
            told = Path(short) / "profile" / "DevToolsActivePort"
            eventually(
                lambda: told.exists() and told.read_text().count("\n"), _START_WITHIN_S, "chromium starts"
            )
            port = told.read_text().splitlines()[0]
            with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=_START_WITHIN_S) as answer:
                [tab] = [one for one in json.load(answer) if one["type"] == "page"]
            with connect(tab["webSocketDebuggerUrl"], max_size=None, compression=None) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(folder: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    assert CHROMIUM is not None
    return subprocess.Popen(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        env=child_environment({"TMPDIR": str(folder)}),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
