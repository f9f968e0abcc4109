"""`baycast ingest` as an operator runs it, with its workers found as its child processes."""

import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baycast.settings import child_environment
from tests.support.ingesting import rows
from tests.support.waiting import eventually


class IngestCommand:
    """One running command; its output in a file."""

    def __init__(self, folder: Path, database_url: str, mqtt_url: str, *arguments: str, **env: str) -> None:
        self._database_url = database_url
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "baycast", "ingest", *arguments],
                env=child_environment(
                    {
                        "BAYCAST_DATABASE_URL": database_url,
                        "BAYCAST_MQTT_URL": mqtt_url,
                        "BAYCAST_INGEST_METRICS_PORT": "0",
                        **env,
                    }
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def children(self) -> dict[str, int]:
        """Its workers: worker id -> pid."""
        found = {}
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in pids:
            try:
                env = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            names = [entry.partition(b"=")[2] for entry in env if entry.startswith(b"BAYCAST_WORKER_ID=")]
            found[names[0].decode() if names else ""] = int(pid)
        return found

    def wait(self, within_s: float = 30.0) -> int:
        return self.process.wait(within_s)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def ingest_command(database_url: str, mqtt_url: str, *arguments: str, **env: str) -> Iterator[IngestCommand]:
    """The command for the time of the block; killed at its end if it is still there."""
    with tempfile.TemporaryDirectory() as folder:
        command = IngestCommand(Path(folder), database_url, mqtt_url, *arguments, **env)
        try:
            yield command
        except AssertionError as failed:
            failed.add_note(f"the command said:\n{command.text}")
            raise
        finally:
            command.terminate()
            try:
                command.wait(12)
            except subprocess.TimeoutExpired:
                command.process.kill()
                command.wait()


def heard(database_url: str) -> set[str]:
    """The workers that committed a canary within the last two seconds and did not stop."""
    query = (
        "SELECT worker_id FROM ingest_worker WHERE stopped_at IS NULL"
        " AND canary_at > clock_timestamp() - interval '2 seconds'"
    )
    return {str(row[0]) for row in rows(database_url, query)}


def wait_for_workers(database_url: str, *names: str) -> None:
    eventually(lambda: heard(database_url) == set(names), within_s=40, what=f"{names} at work")


def get(url: str) -> tuple[int, str]:
    """Status and text; (0, reason) when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)
