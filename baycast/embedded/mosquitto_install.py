"""Getting a mosquitto program onto this machine, with as little as the machine allows.

In this order: the PATH, a copy unpacked earlier into the data folder, the system's package manager (as root),
Debian's packages unpacked into the data folder (without root). Otherwise one line says how to get it.
"""

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from baycast.settings import UsageError, search_path

HOW_TO_GET_IT = (
    "mosquitto (the MQTT broker) is missing and could not be fetched: install it (apt install mosquitto,"
    " dnf install mosquitto, apk add mosquitto, brew install mosquitto) or set BAYCAST_MQTT_URL to a broker"
)
_SYSTEM_FOLDERS = (
    "/usr/sbin",
    "/usr/local/sbin",
    "/sbin",
    "/opt/homebrew/sbin",
    "/usr/local/opt/mosquitto/sbin",
)
_INSTALL_TIMEOUT_S = 300
_PATIENT_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=120")
"""Somebody else's apt-get may be at work: wait for it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """How to start mosquitto: the command's beginning and the whole environment."""

    command: tuple[str, ...]
    env: dict[str, str]


def find_or_install(packages: Path) -> Program:
    """The mosquitto to run, installed or fetched into `packages` if there is none. UsageError if not."""
    with _one_at_a_time():
        found = find(packages)
        if found is not None:
            return found
        for fetch in (_install_with_package_manager, _unpack_debian_packages):
            fetch(packages)
            found = find(packages)
            if found is not None:
                return found
    raise UsageError(HOW_TO_GET_IT)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two processes that miss mosquitto must not both install it, nor one start what the other has half unpacked."""
    path = Path(tempfile.gettempdir()) / "baycast-mosquitto-install.lock"
    try:
        try:
            # Without O_CREAT: systems refuse that for another user's file in the shared folder.
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise UsageError(f"{path} cannot be opened ({error.strerror}); remove it") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def find(packages: Path) -> Program | None:
    """A mosquitto that is there already: the system's own, or one unpacked earlier."""
    path = os.pathsep.join((search_path(), *_SYSTEM_FOLDERS))
    if program := shutil.which("mosquitto", path=path):
        return Program((program,), {"PATH": path})
    unpacked = packages / "usr" / "sbin" / "mosquitto"
    if unpacked.exists():
        libraries = sorted({str(library.parent) for library in packages.rglob("*.so.*")})
        return Program((str(unpacked),), {"PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(libraries)})
    return None


def _install_with_package_manager(_packages: Path) -> None:
    """As root: from the distribution, without starting it as a service."""
    if os.geteuid() != 0:
        return
    managers: dict[str, list[list[str]]] = {
        "apt-get": [
            ["apt-get", "update", "-qq"],
            [
                "apt-get",
                "-o",
                "DPkg::Lock::Timeout=120",
                "install",
                "-y",
                "-qq",
                "--no-install-recommends",
                "mosquitto",
            ],
        ],
        "dnf": [["dnf", "install", "-y", "-q", "mosquitto"]],
        "apk": [["apk", "add", "-q", "mosquitto"]],
    }
    for manager, commands in managers.items():
        if not shutil.which(manager):
            continue
        print(f"baycast: installing mosquitto with {manager} (once)", file=sys.stderr)  # noqa: T201
        with _no_service_start():
            for command in commands:
                _run(command, {"DEBIAN_FRONTEND": "noninteractive"})
        return


@contextmanager
def _no_service_start() -> Iterator[None]:
    """Debian starts services on installation unless this policy says no: our broker is our own child."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def _unpack_debian_packages(packages: Path) -> None:
    """Without root on a Debian-like system: download the package and the libraries it lacks, and unpack them."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return
    print("baycast: fetching mosquitto's Debian package into the data folder (once)", file=sys.stderr)  # noqa: T201
    packages.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=packages, prefix=".fetching-"))
    try:
        # The system's package lists first; where there are none (a bare image), lists of our own.
        if not _download(fresh, ()):
            _download(fresh, _own_lists(fresh))
        root = fresh / "root"
        for package in sorted(fresh.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(root)], {})
        if (root / "usr" / "sbin" / "mosquitto").exists():
            for part in root.iterdir():
                if not (packages / part.name).exists():
                    part.rename(packages / part.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _download(folder: Path, options: tuple[str, ...]) -> bool:
    """One by one: a library that cannot be had must not lose the others."""
    if not _run(["apt-get", *options, "download", "-qq", "mosquitto"], {}, cwd=folder):
        return False
    for name in _missing_dependencies(options):
        _run(["apt-get", *options, "download", "-qq", name], {}, cwd=folder)
    return True


def _own_lists(folder: Path) -> tuple[str, ...]:
    """Package lists in a folder of ours; the options that make apt-get use them."""
    for inner in ("state/lists/partial", "cache/archives/partial"):
        (folder / inner).mkdir(parents=True)
    places = (
        f"Dir::State={folder}/state",
        f"Dir::Cache={folder}/cache",
        "Dir::State::status=/var/lib/dpkg/status",
    )
    options = tuple(word for place in places for word in ("-o", place))
    _run(["apt-get", *options, "update", "-qq"], {}, cwd=folder)
    return options


def _missing_dependencies(options: tuple[str, ...]) -> list[str]:
    """Packages that apt would install with mosquitto here, by its own simulation (needs no root)."""
    done = subprocess.run(
        ["apt-get", *options, "install", "--simulate", "--no-install-recommends", "mosquitto"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_INSTALL_TIMEOUT_S,
    )
    names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]
    return [name for name in names if name != "mosquitto"]


def _run(command: list[str], env: dict[str, str], cwd: Path | None = None) -> bool:
    """Run to the end; a failure is only logged: what counts is whether mosquitto is there afterwards."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env={"PATH": search_path(), "HOME": "/tmp", **env},  # noqa: S108 (apt wants a HOME, it keeps nothing there)
            stdin=subprocess.DEVNULL,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.warning("%s failed: %s", command[0], error)
        return False
    if done.returncode != 0:
        _log.warning(
            "%s ended with status %d: %s", " ".join(command[:2]), done.returncode, done.stderr.strip()[-300:]
        )
    return done.returncode == 0
