"""A process takes as many open files as it needs, and not more than it may."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("needed", "allowed"), [(100, 100), (700, 700), (5000, 1000)])
def test_the_limit_is_raised_as_far_as_it_may_be(needed: int, allowed: int) -> None:
    # In a process of its own: a hard limit that was lowered cannot be raised again.
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000));"
        "from baycast.open_files import allow_open_files;"
        f"print(allow_open_files({needed}), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [str(allowed), str(max(200, allowed)), "1000"]
