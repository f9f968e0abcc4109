"""The trainings that `baycast forecast run` has done: each a process of its own that yields to whoever serves."""

import os
import subprocess
import sys

from baycast.processes import start_child
from occupancy.model import AreaId

NICE = 10


def training_child(area: AreaId) -> subprocess.Popen[bytes]:
    """Start `baycast forecast train` for one area, on our settings; it ends with the thread that calls this."""
    child = start_child([sys.executable, "-m", "baycast", "forecast", "train", "--area", area])
    os.setpriority(os.PRIO_PROCESS, child.pid, NICE)
    return child
