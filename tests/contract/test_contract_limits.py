"""What lies just within and just beyond the contract, where the vectors for makers say nothing."""

from firmware_contract.codec import Accepted, Rejected, decode
from firmware_contract.errors import Reason

STATE = b'"boot":1,"seq":2,"at":"2026-03-01T09:30:00Z","occupied":true,"cause":"change"'


def test_many_brackets_are_no_depth() -> None:
    (flat,) = decode("baycast/v1/dev/d/state", b'{%b,"x":[%b]}' % (STATE, b",".join([b'{"y":[]}'] * 500)))
    assert isinstance(flat, Accepted)


def test_l11_a_line_break_within_a_text_spoils_its_item_only() -> None:
    good = b'{"device_id":"d","kind":"state","body":{%b}}' % STATE
    bad = good.replace(b'"d"', b'"d\n"')
    first, second = decode("baycast/v1/gw/g/batch", b"[%b,%b]" % (bad, good))
    assert isinstance(first, Rejected)
    assert first.reason is Reason.NOT_JSON
    assert isinstance(second, Accepted)
