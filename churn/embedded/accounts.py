"""The account of the operating system that the server runs as: one's own, or a system account under root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from churn.errors import ConfigError, WarehouseError

SYSTEM_ACCOUNT = "churn-postgres"
_FALLBACK_ACCOUNT = "postgres"
_LOOKS = 5
_LOOK_PAUSE_S = 0.2


@dataclass(frozen=True)
class Account:
    """An entry of the system's user list: the name, and its numeric user and group ids."""

    name: str
    uid: int
    gid: int


def current() -> Account:
    """Account of this process.

    Raises
    ------
    ConfigError
        If the user id has no name (a container started with a bare number): Postgres refuses such a user.
    """
    uid = os.geteuid()
    try:
        return by_uid(uid)
    except KeyError as error:
        message = f"The user id {uid} has no name on this system, and Postgres can't run without one."
        raise ConfigError(message, "Add it to /etc/passwd, or set `warehouse.url`.") from error


def by_uid(uid: int) -> Account:
    """Account of a numeric user id; `KeyError` if there is none."""
    entry = pwd.getpwuid(uid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def for_root() -> Account:
    """System account for a server started by root: found or created, else an existing `postgres`.

    Raises
    ------
    ConfigError
        If no account can be created and there is none to reuse.
    """
    found = _by_name(SYSTEM_ACCOUNT)
    if found is None:
        reason = _create(SYSTEM_ACCOUNT)
        found = _soon_by_name(SYSTEM_ACCOUNT) or _by_name(_FALLBACK_ACCOUNT)
        if found is None:
            message = f"Postgres refuses to run as root; the account {SYSTEM_ACCOUNT} can't be created: {reason}."
            raise ConfigError(message, "Run as an ordinary user, create that account, or set `warehouse.url`.")
    if found.uid == 0:
        raise ConfigError(f"The account {found.name} is root, which Postgres refuses.", "Give it another user id.")
    return found


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _soon_by_name(name: str) -> Account | None:
    """Look a few times: another process may be creating the account at this moment."""
    for _ in range(_LOOKS):
        found = _by_name(name)
        if found is not None:
            return found
        time.sleep(_LOOK_PAUSE_S)
    return None


def _create(name: str) -> str:
    """Try to create a system account without login or home; return why it failed, or an empty string."""
    if shutil.which("useradd"):
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command = ["useradd", *options, "--shell", "/usr/sbin/nologin", name]
    elif shutil.which("adduser"):
        command = ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", name]
    else:
        return "neither useradd nor adduser is installed"
    done = run_as(current(), command)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} failed")


def run_as(
    account: Account,
    command: Sequence[str | Path],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
) -> subprocess.CompletedProcess[str]:
    """Run a program as an account, with a clean environment and English messages.

    Parameters
    ----------
    account : Account
        Who runs it; switching needs root.
    command : sequence of str or Path
        The program and its arguments.
    stdin : str
        What it reads.
    environment : mapping, optional
        Variables beyond those of this process; its ``PG*`` ones would redirect the programs and are left out.
    timeout_s : float
        Seconds until the program is given up.

    Returns
    -------
    subprocess.CompletedProcess
        With its exit status (not checked) and both outputs as text.

    Raises
    ------
    WarehouseError
        If the program can't be run at all, or does not end in time.
    """
    switch = account.uid != os.geteuid()
    arguments = [str(part) for part in command]
    try:
        return subprocess.run(  # noqa: S603 - fixed programs, no shell
            arguments,
            user=account.uid if switch else None,
            group=account.gid if switch else None,
            extra_groups=[] if switch else None,
            env={**_clean_environment(), **(environment or {})},
            cwd="/",
            umask=0o077,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{Path(arguments[0]).name} did not end within {timeout_s:.0f} seconds."
        raise WarehouseError(message, "The machine may be busy; try again.") from error
    except OSError as error:
        message = f"{arguments[0]} can't be run as {account.name}: {error.strerror or error}."
        raise WarehouseError(message, "Set `warehouse.url` to a Postgres of your own.") from error


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
