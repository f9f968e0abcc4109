"""Which operating-system account the embedded PostgreSQL and mosquitto run as.

PostgreSQL refuses to run as root. An ordinary user runs the services under their own account. Root runs them
as the owner of the data folder when that is somebody else (so that this owner can go on with the same data),
otherwise as the system account `pgserver`, made on the first run.
"""

import grp
import logging
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from baycast.settings import UsageError

ACCOUNT = "pgserver"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that root runs services as."""

    name: str
    uid: int
    gid: int


def account_for(folder: Path) -> Account | None:
    """The account for services that keep their data in `folder`; None: the account of this process."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat()
    if owner.st_uid != 0:
        return _known(owner.st_uid) or _system_account()
    return _system_account()


def prepare_data_dir(folder: Path) -> None:
    """Create the data folder, owned by the owner of the folder around it; UsageError when not writable."""
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            if os.geteuid() == 0:
                around = folder.resolve().parent.stat()
                # A world-writable folder such as /tmp says nothing about who will use ours.
                if not around.st_mode & stat.S_IWOTH:
                    os.chown(folder, around.st_uid, around.st_gid)
        writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise UsageError(
            f"cannot create the data folder {folder}: {error.strerror}; set BAYCAST_DATA_DIR"
        ) from None
    if not writable:
        raise UsageError(
            f"the data folder {folder} is not writable for this user"
            f"{_owned_by(folder)}; run as its owner or set BAYCAST_DATA_DIR to a folder of your own"
        )


def owned_folder(folder: Path, account: Account | None, mode: int = 0o700) -> Path:
    """Make `folder` exist, private to the account, reachable for it; UsageError if it is another user's."""
    folder.mkdir(parents=True, exist_ok=True)
    if account is not None:
        make_reachable(folder.parent, account)
        if folder.stat().st_uid != account.uid:
            hand_over(folder, account)
    elif folder.stat().st_uid != os.geteuid():
        raise UsageError(
            f"{folder} belongs to another user{_owned_by(folder)};"
            " run as root or set BAYCAST_DATA_DIR to a folder of your own"
        )
    folder.chmod(mode)
    return folder


def hand_over(path: Path, account: Account | None) -> None:
    """Give a file, or a folder with all that is in it, to the account (as root only)."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    if path.is_dir():
        for inner in path.rglob("*"):
            os.chown(inner, account.uid, account.gid, follow_symlinks=False)


def make_reachable(folder: Path, account: Account) -> None:
    """Let the account pass through to `folder`: search permission only, where a folder above lacks it.

    A clone in /root is closed for every other account; without this root could not run PostgreSQL from there.
    """
    for step in (folder.resolve(), *folder.resolve().parents):
        seen = step.stat()
        if seen.st_uid == account.uid or seen.st_mode & stat.S_IXOTH:
            continue
        if seen.st_gid == account.gid and seen.st_mode & stat.S_IXGRP:
            continue
        _log.info("letting %s pass through %s (chmod o+x)", account.name, step)
        step.chmod(stat.S_IMODE(seen.st_mode) | stat.S_IXOTH)


def _known(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # a number without a name, as in containers: initdb refuses it
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_account() -> Account:
    account = _find(ACCOUNT)
    if account is None:
        _create(ACCOUNT)
        account = _find(ACCOUNT)
    if account is None:
        raise UsageError(
            f"cannot create the system account '{ACCOUNT}' that PostgreSQL needs; run as an ordinary user"
        )
    return account


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create(name: str) -> None:
    """Debian and Red Hat have useradd, Alpine adduser. Whether it worked is seen in the account itself."""
    commands = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", name],
    )
    for command in commands:
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
            return


def _owned_by(folder: Path) -> str:
    try:
        return f" (it belongs to {folder.owner()}:{grp.getgrgid(folder.stat().st_gid).gr_name})"
    except (KeyError, OSError):
        return ""
