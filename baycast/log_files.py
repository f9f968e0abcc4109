"""Log files that child processes write to by themselves, bounded in size."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that children append to; with its one predecessor (`.1`) it takes about twice `limit` bytes."""

    path: Path
    limit: int

    def open(self) -> IO[bytes]:
        """Open for appending, so that writers go on after the file was cut."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("ab")

    def rotate_when_large(self) -> None:
        """Copy and cut: the writers keep their open file, and need no pipe that breaks when we are killed.

        What is written between the copy and the cut is lost: a line or two, once per rotation.
        """
        if self.path.exists() and self.path.stat().st_size > self.limit:
            shutil.copyfile(self.path, self.path.with_suffix(self.path.suffix + ".1"))
            with self.path.open("r+b") as file:
                file.truncate(0)

    def tail(self, lines: int) -> list[str]:
        """The last lines, for an error message."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 16_384))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
