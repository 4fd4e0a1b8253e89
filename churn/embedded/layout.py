"""Where an embedded server keeps its files, and the small state file that says so."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from churn.embedded import accounts, binaries
from churn.embedded.accounts import Account
from churn.embedded.binaries import Binaries
from churn.embedded.files import unusable, write_private
from churn.embedded.settings import SOCKET_PORT
from churn.errors import WarehouseError

SYSTEM_BASE = Path("/var/lib/churn-embedded")
"""Folder for everything that root's servers need, outside any home."""

STATE_FILE = "pg.json"


@dataclass(frozen=True)
class State:
    """What must be remembered between commands; kept as JSON in the home folder.

    Attributes
    ----------
    home : str
        The home folder when this was written: tells a moved or copied home.
    place : str
        Folder of the server's files.
    socket_dir : str
        Folder of the socket.
    tcp_port : int or None
        Port on 127.0.0.1, or None for no TCP.
    """

    home: str
    place: str
    socket_dir: str
    tcp_port: int | None = None


@dataclass(frozen=True)
class Layout:
    """Everything that is known about one embedded server, running or not."""

    home: Path
    place: Path
    socket_dir: Path
    tcp_port: int | None
    account: Account
    binaries: Binaries

    @property
    def data_dir(self) -> Path:
        """Postgres's data directory."""
        return self.place / "data"

    @property
    def conf_dir(self) -> Path:
        """Folder of the settings and access rules; root's are beyond the server's own reach."""
        return self.place / "conf"

    @property
    def log_dir(self) -> Path:
        """Folder of the log files."""
        return self.place / "log"

    @property
    def port(self) -> int:
        """Port, which is also part of the socket's name."""
        return self.tcp_port or SOCKET_PORT


def read_state(home: Path) -> State | None:
    """State of a home folder, or None where no server was ever made.

    Raises
    ------
    WarehouseError
        If the file can't be read or understood.
    """
    path = home / STATE_FILE
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(home, error) from error
    except (ValueError, TypeError) as error:
        message = f"The file {path} is damaged."
        raise WarehouseError(message, "Restore it, or remove it to begin with an empty database.") from error


def write_state(layout: Layout) -> None:
    """Keep what must be remembered, replacing the file in one step."""
    state = State(str(layout.home), str(layout.place), str(layout.socket_dir), layout.tcp_port)
    write_private(layout.home / STATE_FILE, json.dumps(asdict(state), indent=2) + "\n")


def find(home: Path) -> Layout | None:
    """Layout of a server that was made before, changing nothing on disk; None if there is none.

    Raises
    ------
    ConfigError
        If the Postgres programs are not installed.
    WarehouseError
        If the home folder is a copy of another one, or its server belongs to another user.
    """
    home = home.resolve()
    state = read_state(home)
    if state is None:
        return None
    as_root = os.geteuid() == 0
    place = Path(state.place)
    if as_root != (place.parent == SYSTEM_BASE):
        who = "root" if not as_root else "an ordinary user"
        message = f"The embedded Postgres of {home} was made by {who}."
        raise WarehouseError(message, f"Run this command as {who}, or set `warehouse.url`.")
    if not as_root:
        place = home / "pg"
    elif state.home != str(home):
        _refuse_a_copy(home, state)
    found = Layout(home, place, Path(state.socket_dir), state.tcp_port, _owner(place), _programs())
    return found if state.home == str(home) or as_root else replace(found, socket_dir=place / "socket")


def _refuse_a_copy(home: Path, state: State) -> None:
    """Refuse a copied home: it names the database of its original, and two projects would share it."""
    original = read_state(Path(state.home))
    if original is not None and original.place == state.place:
        message = f"{home} is a copy of {state.home}, whose embedded Postgres is not copied with it."
        hint = f"Remove {home / STATE_FILE} to begin with an empty database here."
        raise WarehouseError(message, hint)


def _owner(place: Path) -> Account:
    if os.geteuid() != 0:
        return accounts.current()
    try:
        return accounts.by_uid((place / "data").stat().st_uid)
    except (FileNotFoundError, KeyError):
        return accounts.for_root()


def _programs() -> Binaries:
    source = binaries.installed()
    return binaries.copied(source, SYSTEM_BASE) if os.geteuid() == 0 and SYSTEM_BASE.is_dir() else source


def system_place(home: Path) -> Path:
    """Folder of root's server for a home folder."""
    return SYSTEM_BASE / hashlib.sha256(str(home).encode()).hexdigest()[:16]


def at_system_place(home: Path) -> Layout | None:
    """Layout of files that an earlier home of the same path left behind as root; None if there are none."""
    place = system_place(home)
    if not place.is_dir():
        return None
    return Layout(home, place, place / "socket", None, _owner(place), _programs())
