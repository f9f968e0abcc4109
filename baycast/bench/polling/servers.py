"""The servers that are compared with the API: the same bytes from nginx and from a tutorial's route."""

from __future__ import annotations

import http.client
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from baycast.processes import start_child, stop_child
from baycast.reachability import free_port
from baycast.settings import UsageError, child_environment

HOST = "127.0.0.1"
_ANSWERS_WITHIN_S = 20.0
_STOP_WITHIN_S = 5.0
_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and whose CPU it takes."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got."""

    status: int
    tag: str | None
    body: bytes


def ask(port: int, target: str, tag: str | None = None) -> Answer:
    """One request. Raises `OSError` where nobody listens."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", target, headers={} if tag is None else {"If-None-Match": tag})
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheader("etag"), answer.read())
    finally:
        connection.close()


def find_nginx() -> str | None:
    """Debian has it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


@contextmanager
def nginx(binary: str, folder: Path, path: str, body: bytes) -> Iterator[Server]:
    """One worker that serves a file, set up as well as we know how. Raises `UsageError`."""
    file, port = folder / "snapshot.json", free_port()
    file.write_bytes(body)
    location = f"location = {path} {{ default_type application/json; alias {file}; }}"
    served = f"server {{ listen {HOST}:{port} backlog=1024; {location} }}"
    with _nginx("nginx", binary, folder / "static", served, port, path) as server:
        yield server


@contextmanager
def cache(binary: str, folder: Path, shipped: Path, api_port: int, path: str) -> Iterator[Server]:
    """One worker with the cache that we ship, in front of the API. Raises `UsageError`."""
    port = free_port()
    text = shipped.read_text()
    for theirs, ours in (
        ("listen 80;", f"listen {HOST}:{port} backlog=1024;"),
        ("server 127.0.0.1:8000;", f"server {HOST}:{api_port};"),
        ("/var/cache/nginx/baycast", str(folder / "cache" / "kept")),
    ):
        if theirs not in text:
            raise UsageError(f"bench poll: {shipped} does not say {theirs!r}, which is to be changed")
        text = text.replace(theirs, ours)
    with _nginx("cached", binary, folder / "cache", text, port, path) as server:
        yield server


@contextmanager
def _nginx(name: str, binary: str, folder: Path, served: str, port: int, path: str) -> Iterator[Server]:
    folder.mkdir()
    config = _nginx_config(folder, served)
    with _running(name, [binary, "-p", str(folder), "-c", str(config)], port, path, folder) as server:
        yield server


def _nginx_config(folder: Path, served: str) -> Path:
    """A configuration with one worker that writes into this folder only."""
    places = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in _PLACES)
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 2048; }}
http {{
{places}
  access_log off;
  sendfile on;
  tcp_nopush on;
  # The others do not end connections that are used either.
  keepalive_requests 1000000000;
  open_file_cache max=16 inactive=600s;
  open_file_cache_valid 600s;
  {served}
}}
""")
    return config


@contextmanager
def tutorial(folder: Path, path: str, body: bytes) -> Iterator[Server]:
    """FastAPI in a process of its own. Raises `UsageError`."""
    file, port = folder / "tutorial.json", free_port()
    file.write_bytes(body)
    command = [sys.executable, "-m", "baycast.bench.polling.tutorial", str(port), path, str(file)]
    with _running("fastapi_bytes", command, port, path, folder) as server:
        yield server


@contextmanager
def _running(name: str, command: list[str], port: int, path: str, folder: Path) -> Iterator[Server]:
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = start_child(command, output=output, env=child_environment({}))
    try:
        _wait_answered(name, process, port, path, log)
        yield Server(name, port, process.pid)
    finally:
        stop_child(process, signal.SIGTERM, _STOP_WITHIN_S)


def _wait_answered(name: str, process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    while True:
        try:
            if ask(port, path).status == 200:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise UsageError(f"bench poll: {name} did not answer: {' '.join(last)}")
        time.sleep(0.05)  # asked for over HTTP: nobody tells
