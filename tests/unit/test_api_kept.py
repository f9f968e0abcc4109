"""Answers that are kept ready: which requests get them, and what they then get."""

import gzip

import pytest
import zstandard

from api.asks import Ask, accepted, ask_of
from api.kept import COMPRESSED_FROM_BYTES, KEPT_MAX_BYTES, Kept, KeptAnswers

TAG = b'"abc"'
BODY = b"zone " * COMPRESSED_FROM_BYTES
HEADERS = [
    (b"etag", TAG),
    (b"content-type", b"application/json"),
    (b"content-length", b"9"),
    (b"x-more", b"1"),
]


def request(
    target: str = "/v1/availability", *headers: str, method: str = "GET", version: str = "1.1"
) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", "Host: here", *headers, "", ""]
    return "\r\n".join(lines).encode()


def kept(stamp: int = 1, body: bytes = BODY) -> Kept:
    return Kept("/v1/availability", stamp, HEADERS, body)


def test_a_plain_get_is_read() -> None:
    asked = ask_of(request("/v1/zones?limit=3", "Accept-Encoding: br, gzip;q=0.5", 'if-none-match: "x"'))

    assert asked == Ask(b"/v1/zones?limit=3", frozenset(["gzip"]), '"x"')


@pytest.mark.parametrize(
    "data",
    [
        request(method="HEAD"),
        request(method="POST"),
        request(version="1.0"),
        request("/v1/availability", "Connection: close"),
        request("/v1/availability", "Authorization: Bearer key"),
        request("/v1/availability", "Range: bytes=0-1"),
        request("/v1/availability", "Content-Length: 2") + b"{}",
        request("/v1/live", "Connection: Upgrade", "Upgrade: websocket"),
        request("/v1/availability", "If-None-Match: a", "If-None-Match: b"),
        request() + request(),
        request()[:-1],
        request() + b"G",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_everything_else_is_for_the_framework(data: bytes) -> None:
    assert ask_of(data) is None


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        ("gzip, zstd", {"gzip", "zstd"}),
        ("GZIP;q=0.2", {"gzip"}),
        ("gzip;q=0, zstd; q=0.000", set()),
        ("identity, br, *", set()),
        ("", set()),
    ],
)
def test_codings_of_an_accept_encoding(value: str, codings: set[str]) -> None:
    assert accepted(value) == codings


def test_every_coding_says_the_same_under_a_tag_of_its_own() -> None:
    answer = kept()
    said = {coding: answer.said(frozenset([coding]), "") for coding in ("", "gzip", "zstd")}
    tags = {dict(headers)[b"etag"] for _, headers, _ in said.values()}

    assert tags == {TAG, b'"abc-gzip"', b'"abc-zstd"'}
    assert said[""][2] == BODY
    assert gzip.decompress(said["gzip"][2]) == BODY
    assert zstandard.ZstdDecompressor().decompress(said["zstd"][2]) == BODY
    for status, headers, body in said.values():
        named = dict(headers)
        assert (status, named[b"vary"], named[b"x-more"]) == (200, b"Accept-Encoding", b"1")
        assert named[b"content-length"] == b"%d" % len(body)
    assert dict(answer.said(frozenset(["gzip", "zstd"]), "")[1])[b"content-encoding"] == b"zstd"


def test_a_small_body_is_not_compressed() -> None:
    _, headers, body = kept(body=b"{}").said(frozenset(["gzip"]), "")

    assert (body, b"content-encoding" in dict(headers)) == (b"{}", False)


@pytest.mark.parametrize("known", ['"abc"', 'W/"abc"', '"old", "abc"', '"abc-gzip"', '"abc-zstd"', "*"])
def test_who_has_it_in_any_coding_is_told_so(known: str) -> None:
    status, headers, body = kept().said(frozenset(["gzip"]), known)

    assert (status, body) == (304, b"")
    assert not {b"content-length", b"content-type", b"content-encoding"} & {name for name, _ in headers}


def test_who_has_another_gets_it() -> None:
    assert kept().said(frozenset(), '"other"')[0] == 200


def test_the_wire_is_what_is_said() -> None:
    answer = kept()
    status, wire = answer.wire(frozenset(["gzip"]), "")
    head, _, body = wire.partition(b"\r\n\r\n")

    assert status == 200
    assert body == answer.said(frozenset(["gzip"]), "")[2]
    assert dict(line.split(b": ", 1) for line in head.split(b"\r\n")) == dict(
        answer.said(frozenset(["gzip"]), "")[1]
    )


def test_an_answer_is_good_for_its_stamp_alone() -> None:
    answers = KeptAnswers()
    answers.keep(b"/v1/availability", kept(stamp=7))

    assert answers.answer(request(), 7) is not None
    assert answers.answer(request("/v1/availability?for=ev"), 7) is None
    assert answers.answer(request(), 8) is None
    assert answers.answer(request(), 7) is None, "it is gone for good"


def test_no_more_is_kept_than_may_be() -> None:
    answers = KeptAnswers()
    third = b"x" * (KEPT_MAX_BYTES // 3)
    for name in ("a", "b", "c"):
        answers.keep(f"/{name}".encode(), kept(body=third))
        answers.keep(f"/{name}".encode(), kept(body=third))
    assert answers.answer(request("/a"), 1) is not None

    answers.keep(b"/d", kept(body=third))

    left = [name for name in "abcd" if answers.answer(request(f"/{name}"), 1) is not None]
    assert left == ["a", "c", "d"]
