"""A load generator where `wrk` is not installed: connections that ask again and again, read by `epoll`.

`python -m baycast.bench.polling.crowd JOB`, JOB being a `Job` as JSON. It prints one JSON object, a `Load`'s.
Slower than wrk: its idle share says whether the servers were measured or it was.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask whom, as how many, for how long, and which status is right."""

    port: int
    target: str
    tag: str | None
    """Sent as `If-None-Match`."""
    status: int
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. `idle_share` is of the generator's one core."""

    per_s: float
    wrong: int
    """Answers of another status, or longer than they say."""
    idle_share: float


def request_of(job: Job) -> bytes:
    """The bytes that every connection sends."""
    known = "" if job.tag is None else f"If-None-Match: {job.tag}\r\n"
    return f"GET {job.target} HTTP/1.1\r\nHost: {HOST}:{job.port}\r\n{known}\r\n".encode()


def poll(job: Job) -> Load:
    """Raises `OSError` where nobody listens."""
    request, status = request_of(job), b"HTTP/1.1 %d " % job.status
    opened = [socket.create_connection((HOST, job.port), timeout=10) for _ in range(job.connections)]
    size = _size_of_answer(opened[0], request)
    buffer = bytearray(max(65536, size))
    waiting: dict[int, tuple[socket.socket, list[int]]] = {}
    epoll = select.epoll()
    for one in opened:
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting[one.fileno()] = one, [0, size]
        epoll.register(one.fileno(), select.EPOLLIN)
        one.send(request)
    answers = wrong = 0
    began, busy_s = time.monotonic(), time.process_time()
    until = began + job.seconds
    while (now := time.monotonic()) < until and waiting:
        for fileno, _ in epoll.poll(until - now):
            one, had = waiting[fileno]
            try:
                got = one.recv_into(buffer)
            except ConnectionError:
                got = 0
            if got == 0:
                wrong += 1
                epoll.unregister(fileno)
                del waiting[fileno]
                continue
            if had[0] == 0:
                # Heads differ: a cache says whether it had the answer.
                had[1] = _size_told(bytes(buffer[:got])) or had[1]
                wrong += not buffer.startswith(status)
            had[0] += got
            if had[0] >= had[1]:
                wrong += had[0] > had[1]
                had[0] = 0
                answers += 1
                one.send(request)
    took_s = time.monotonic() - began
    busy_s = time.process_time() - busy_s
    for one in opened:
        one.close()
    return Load(answers / took_s, wrong, max(0.0, 1 - busy_s / took_s))


def _size_of_answer(one: socket.socket, request: bytes) -> int:
    """Of head and body together, learnt from the first."""
    one.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = one.recv(65536)
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        answer += piece
    size = _size_told(answer) or 0
    while len(answer) < size:
        answer += one.recv(65536)
    return size


def _size_told(begun: bytes) -> int | None:
    """Of head and body together, as the head says; None where the head is not whole yet."""
    head, end, _ = begun.partition(b"\r\n\r\n")
    if not end:
        return None
    length = _LENGTH.search(head)
    body = 0 if length is None or head.startswith(b"HTTP/1.1 304") else int(length[1])
    return len(head) + len(end) + body


def main() -> None:
    sys.stdout.write(json.dumps(asdict(poll(Job(**json.loads(sys.argv[1]))))) + "\n")


if __name__ == "__main__":
    main()
