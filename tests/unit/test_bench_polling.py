"""The load generator of `baycast bench poll` counts right answers, and sees wrong ones."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from baycast.bench.polling.crowd import Job, poll, request_of

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives each connection these answers in turn, the last for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(one: socket.socket) -> None:
            with one, suppress(ConnectionError):
                number = 0
                while one.recv(4096):
                    one.sendall(answers[min(number, len(answers) - 1)])
                    number += 1

        def accept() -> None:
            try:
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def job(port: int, status: int = 200) -> Job:
    return Job(port, "/snapshot", None, status, connections=3, seconds=0.2)


def test_answers_are_counted() -> None:
    with answering(RIGHT) as port:
        load = poll(job(port))

    assert load.per_s > 10
    assert load.wrong == 0
    assert 0 <= load.idle_share <= 1


def test_another_status_is_wrong() -> None:
    unwell = RIGHT.replace(b"200", b"503")
    with answering(RIGHT, unwell) as port:
        assert poll(job(port)).wrong > 0


def test_more_bytes_than_at_first_are_wrong() -> None:
    with answering(RIGHT, RIGHT + b"!") as port:
        assert poll(job(port)).wrong > 0


def test_a_tag_is_sent_as_known() -> None:
    asked = Job(80, "/snapshot", '"abc"', 304, 1, 1.0)

    assert b'\r\nIf-None-Match: "abc"\r\n' in request_of(asked)
