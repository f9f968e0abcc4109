"""What `baycast doctor` says of signs that say what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from baycast.doctor.findings import Finding

if TYPE_CHECKING:
    from store.doctor import SignSaid


def examine_signs(said: Sequence[SignSaid]) -> Iterator[Finding]:
    """A finding per sign that is wrong, dark or silent, or names a fault, and one for all others together."""
    from signs.readback import Verdict

    well = 0
    for sign in said:
        verdict, at = Verdict(sign.verdict), f"{sign.at:%Y-%m-%d %H:%M:%S} UTC"
        says = []
        if sign.silent:
            says.append(f"silent since {at}")
        elif verdict.is_wrong:
            says.append(f"shows what is {verdict} ({at}): switch it off or find out who speaks to it")
        elif verdict is Verdict.DARK:
            says.append(f"dark although its frame has words ({at})")
        if sign.faults:
            says.append(f"names faults: {', '.join(sign.faults)}")
        if says:
            bad = sign.silent or verdict.is_wrong
            yield Finding(f"sign {sign.sign_id}", "WRONG" if bad else "note", "; ".join(says))
        else:
            well += 1
    yield Finding("signs that say what they show", "ok", f"{well} show what they were told")
