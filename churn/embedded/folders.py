"""Makes the folders and settings files of an embedded server, and touches no others."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from churn.embedded import accounts, binaries, settings
from churn.embedded.accounts import Account
from churn.embedded.files import unusable, write_private
from churn.embedded.layout import SYSTEM_BASE, Layout, find, system_place, write_state

_SOCKET_PATH_BYTES = 100
_SHORT = "/tmp"  # noqa: S108 # nosec B108 # mkdtemp makes a private folder inside


def prepare(home: Path) -> Layout:
    """Layout of a home's server with all its folders made; the caller holds the lock.

    Only folders of ours are made or changed: `home/pg` of a user, or one under `SYSTEM_BASE` of root.
    """
    found = find(home)
    if found is None:
        account = accounts.current() if os.geteuid() != 0 else accounts.for_root()
        place = home / "pg" if os.geteuid() != 0 else system_place(home)
        found = Layout(home, place, place / "socket", None, account, binaries.installed())
    try:
        if os.geteuid() == 0:
            found = _prepare_for_root(found)
        else:
            found.place.mkdir(mode=0o700, exist_ok=True)
        make_private(found.log_dir, found.account)
        _make_conf_dir(found)
        found = replace(found, socket_dir=_socket_dir(found))
        write_state(found)
    except OSError as error:
        raise unusable(found.place, error) from error
    return found


def _prepare_for_root(layout: Layout) -> Layout:
    SYSTEM_BASE.mkdir(mode=0o755, parents=True, exist_ok=True)
    SYSTEM_BASE.chmod(0o755)
    programs = binaries.copied(binaries.installed(), SYSTEM_BASE)
    layout.place.mkdir(mode=0o710, exist_ok=True)
    os.chown(layout.place, 0, layout.account.gid)
    layout.place.chmod(0o710)
    return replace(layout, binaries=programs)


def make_private(folder: Path, account: Account) -> None:
    """Make a folder of ours that only the server's account may enter (mode 0700)."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _make_conf_dir(layout: Layout) -> None:
    """Make the folder of the settings: ours to write, the server's account to read."""
    layout.conf_dir.mkdir(mode=0o750, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(layout.conf_dir, 0, layout.account.gid)
    layout.conf_dir.chmod(0o750)


def write_settings(layout: Layout) -> None:
    """Write the server's settings and access rules afresh."""
    chosen = settings.server_settings(
        memory=settings.memory_bytes(),
        socket_dir=layout.socket_dir,
        log_dir=layout.log_dir,
        conf_dir=layout.conf_dir,
        tcp_port=layout.tcp_port,
    )
    texts = {
        "postgresql.conf": settings.render(chosen),
        "pg_hba.conf": settings.access_rules(layout.tcp_port),
        "pg_ident.conf": settings.identities(accounts.current().name),
    }
    for name, text in texts.items():
        path = layout.conf_dir / name
        write_private(path, text)
        if os.geteuid() == 0:
            os.chown(path, 0, layout.account.gid)
            path.chmod(0o640)


def _socket_dir(layout: Layout) -> Path:
    """Choose the socket's folder: beside the data, or a short private one where that path is too long."""
    beside = layout.place / "socket"
    if len(os.fsencode(beside / f".s.PGSQL.{layout.port}")) <= _SOCKET_PATH_BYTES:
        make_private(beside, layout.account)
        return beside
    if layout.socket_dir != beside and _is_ours(layout.socket_dir):
        return layout.socket_dir
    short = _SHORT if Path(_SHORT).is_dir() else tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="churn-pg-", dir=short))


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return found.st_mode == 0o040700 and found.st_uid == os.geteuid()
