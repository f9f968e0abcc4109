"""The fault proxy between a client and an echo server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from baycast.chaos.proxy import FaultProxy, Toxics
from tests.support.waiting import eventually


@contextmanager
def echoing() -> Iterator[int]:
    """A server on 127.0.0.1 that sends back what it gets; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(peer: socket.socket) -> None:
        with peer:
            try:
                while data := peer.recv(65_536):
                    peer.sendall(data)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with echoing() as port:
        proxy = FaultProxy("test", port)
        proxy.start()
        try:
            yield proxy
        finally:
            proxy.stop()


def connected(proxy: FaultProxy) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def exchange(sock: socket.socket, data: bytes) -> bytes:
    sock.sendall(data)
    return receive(sock, len(data))


def receive(sock: socket.socket, size: int) -> bytes:
    """Up to `size` bytes; fewer when the connection ends."""
    found = b""
    try:
        while len(found) < size and (data := sock.recv(size - len(found))):
            found += data
    except ConnectionError:
        pass
    return found


def test_without_toxics_everything_passes(proxy: FaultProxy) -> None:
    data = bytes(range(256)) * 1000
    with connected(proxy) as sock:
        assert exchange(sock, data) == data


def test_slices_and_latency_change_no_byte(proxy: FaultProxy) -> None:
    proxy.set(Toxics(slice_bytes=3, latency_s=0.01))
    data = bytes(range(256)) * 10
    with connected(proxy) as sock:
        assert exchange(sock, data) == data


@pytest.mark.parametrize("k", [1, 2, 100, 1999])
def test_a_cut_lets_k_bytes_through_and_no_more(proxy: FaultProxy, k: int) -> None:
    with connected(proxy) as sock:
        assert exchange(sock, b"before") == b"before"
        proxy.set(Toxics(cut_down=k))
        eventually(lambda: proxy.armed)
        sock.sendall(b"x" * 2000)
        got = receive(sock, 2000)
        assert got == b"x" * len(got)
        assert len(got) <= k
        eventually(lambda: proxy.cuts == 1)
    with connected(proxy) as sock:
        assert exchange(sock, b"again") == b"again"


def test_a_cut_upwards_keeps_the_rest_from_the_server(proxy: FaultProxy) -> None:
    with connected(proxy) as sock:
        proxy.set(Toxics(cut_up=4))
        eventually(lambda: proxy.armed)
        sock.sendall(b"abcdefgh")
        assert len(receive(sock, 8)) <= 4
        eventually(lambda: proxy.cuts == 1)


def test_a_blackhole_passes_nothing_and_tells_nobody(proxy: FaultProxy) -> None:
    with connected(proxy) as sock:
        assert exchange(sock, b"before") == b"before"
        proxy.set(Toxics(blackhole=True))
        sock.settimeout(0.3)
        sock.sendall(b"into the dark")
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(5)
        proxy.set(Toxics())
        assert receive(sock, 13) == b"into the dark"


def test_a_reset_ends_what_is_there(proxy: FaultProxy) -> None:
    with connected(proxy) as sock:
        assert exchange(sock, b"before") == b"before"
        proxy.reset()
        assert receive(sock, 1) == b""
    with connected(proxy) as sock:
        assert exchange(sock, b"again") == b"again"


def test_a_dead_server_ends_its_clients(proxy: FaultProxy) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy.upstream = nobody.getsockname()[1]
        with connected(proxy) as sock:
            assert receive(sock, 1) == b""
