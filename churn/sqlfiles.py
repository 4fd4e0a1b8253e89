"""The `sql/` tree: one statement per file, a header that says what it is, bound parameters only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from churn.errors import ConfigError

HEADER_KEYS = ("name", "writes", "grain", "reads", "params", "window")
NOTHING = "none"

_HEADER_LINE = re.compile(r"^-- ([a-z_][a-z0-9_.]*): (.+)$")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)(?!:)")


@dataclass(frozen=True)
class SqlFile:
    """One file of the `sql/` tree.

    Attributes
    ----------
    path : str
        Below `sql/`, with forward slashes.
    header : dict of str to str
        The `-- key: value` lines at the top.
    body : str
        The statement without comments.
    """

    path: str
    header: dict[str, str]
    body: str

    @property
    def name(self) -> str:
        """Name of the result, as the header says."""
        return self.header["name"]

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the bound parameters."""
        listed = self.header["params"]
        return () if listed == NOTHING else tuple(part.strip() for part in listed.split(","))

    @property
    def statement(self) -> sa.TextClause:
        """The statement, ready to be executed with `params`."""
        return sa.text(self.body)

    @property
    def digest(self) -> str:
        """SHA-256 of the statement: the same digest computes the same thing."""
        return hashlib.sha256(" ".join(self.body.split()).encode()).hexdigest()


def resource_folder(name: str) -> Path:
    """Return the folder `sql` or `migrations`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise ConfigError(f"The folder {name}/ is missing from this installation.", "Install churn again.")


def read_sql(path: str) -> SqlFile:
    """Load `sql/<path>` and check its header.

    Raises
    ------
    ConfigError
        No such file, a header line is missing, or the header's params are not those of the statement.
    """
    return _read(resource_folder("sql") / path, path)


@cache
def _read(file: Path, path: str) -> SqlFile:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        raise ConfigError(f"sql/{path} is missing from this installation.", "Install churn again.") from None
    return parse_sql(text, path)


def parse_sql(text: str, path: str) -> SqlFile:
    """Split a file's text into header and statement, and check one against the other."""
    header = {}
    for line in text.splitlines():
        if match := _HEADER_LINE.match(line):
            header[match[1]] = match[2].strip()
        elif line and not line.startswith("--"):
            break
    missing = [key for key in HEADER_KEYS if key not in header]
    if missing:
        raise ConfigError(f"sql/{path}: the header lacks {', '.join(missing)}.")
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip().rstrip(";")
    found = SqlFile(path, header, body)
    used = set(_PARAMETER.findall(re.sub(r"'(?:[^']|'')*'", "''", body)))
    if used != set(found.params):
        raise ConfigError(
            f"sql/{path}: the header's params ({', '.join(found.params) or NOTHING}) "
            f"are not the statement's ({', '.join(sorted(used)) or NOTHING})."
        )
    return found


def sql_folder(folder: str) -> Iterator[SqlFile]:
    """Load every file of `sql/<folder>/`, by name."""
    root = resource_folder("sql") / folder
    for file in sorted(root.glob("*.sql")):
        yield _read(file, f"{folder}/{file.name}")
