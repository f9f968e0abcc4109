"""What the doctor says of devices that count their boots anew."""

from datetime import UTC, datetime

from baycast.doctor.ingest import examine_resets
from store.doctor import WentBack

SINCE = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def test_some_are_named_and_the_others_counted() -> None:
    assert list(examine_resets([])) == []
    (few,) = examine_resets([WentBack("s1", 3, SINCE)])
    assert few.state == "WRONG"
    assert "quarantine: s1 (3 since 2026-11-02 08:00:00Z); register" in few.says
    (many,) = examine_resets([WentBack(f"s{n}", 1, SINCE) for n in range(7)])
    assert "s4 (1 since" in many.says
    assert "s5" not in many.says
    assert "and 2 more; register" in many.says
