"""What the doctor says of the ingest workers: who is away with messages, and whether the feed comes once."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from baycast.doctor.findings import Finding
from occupancy.clocks import z
from store.doctor import WentBack
from store.workers import Worker

_NAMED = 5


def examine_workers(workers: Sequence[Worker]) -> Iterator[Finding]:
    """One line for each worker id whose session the broker may hold, and one if they do not share the feed."""
    for worker in workers:
        yield _worker(worker)
    feeds = {worker.group or worker.worker_id for worker in workers}
    if len(feeds) > 1:
        names = ", ".join(
            f"{worker.worker_id} ({f'group {worker.group}' if worker.group else 'alone'})"
            for worker in workers
        )
        says = f"comes more than once (and is stored once): {names}; give them one group, or drain what is too much"
        yield Finding("ingest: feed", "WRONG", says)


def examine_resets(devices: Sequence[WentBack]) -> Iterator[Finding]:
    """A line if devices count their boots anew: nothing that they say is stored until they are registered."""
    if devices:
        named = ", ".join(f"{one.device_id} ({one.words} since {z(one.since)})" for one in devices[:_NAMED])
        more = f" and {len(devices) - _NAMED} more" if len(devices) > _NAMED else ""
        says = (
            f"boots counted anew, words in quarantine: {named}{more}; register each with the next incarnation, then"
            " have boot_went_back replayed (docs/ingest.md)"
        )
        yield Finding("reset devices", "WRONG", says)


def _worker(worker: Worker) -> Finding:
    what = f"ingest: {worker.worker_id}"
    if worker.silent_s is None:
        return Finding(what, "WRONG", "never committed anything: can it reach the broker? Its log says more")
    if not worker.away:
        return Finding(what, "ok", f"committed {worker.silent_s:.1f} s ago")
    silent = timedelta(seconds=round(worker.silent_s))
    how = "stopped" if worker.stopped else "not heard of"
    says = (
        f"{how}, {silent} since its last commit: the broker may hold messages for it, and goes on queueing more;"
        f" start it, or `baycast ingest --drain {worker.worker_id}` if it is not coming back"
    )
    return Finding(what, "WRONG", says)
