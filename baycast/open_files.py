"""How many files a process may hold open: each connection is one, and the usual 1,024 are soon gone."""

from __future__ import annotations

import resource


def allow_open_files(needed: int) -> int:
    """Raise our limit, which children inherit, as far as needed and as the system lets us; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
