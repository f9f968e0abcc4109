"""The engine: tails the log, folds it, writes what changed and moves its cursor, in one transaction a page.

The only part of this room with I/O. One process serves every area; a second one is harmless, because the cursor
moves by compare-and-swap (the advisory lock only saves it the work).
"""

from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.engine.dropping import Dropped, drop_log_before
from occupancy.engine.rebuilding import (
    LogBeginsLaterError,
    RebuildRunningError,
    Rebuilt,
    drop_retired,
    rebuild,
)
from occupancy.engine.recounting import Recount, recount
from occupancy.engine.retaining import Kept, retain, retain_sign_records
from occupancy.engine.serving import run

__all__ = [
    "ENGINE_VERSION",
    "AreaEngine",
    "Dropped",
    "EngineConfig",
    "Kept",
    "LogBeginsLaterError",
    "RebuildRunningError",
    "Rebuilt",
    "Recount",
    "drop_log_before",
    "drop_retired",
    "rebuild",
    "recount",
    "retain",
    "retain_sign_records",
    "run",
]
