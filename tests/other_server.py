"""Another Postgres than the embedded one: `CHURN_TEST_POSTGRES=/usr/lib/postgresql/15/bin` runs all tests on it.

The folder holds `initdb`, `pg_ctl`, `postgres`, `psql`, as a distribution's package does. The programs take the place
of the embedded ones; databases, accounts and settings stay as they are.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from churn.embedded import accounts, binaries, process, settings
from churn.embedded.binaries import Binaries
from churn.embedded.layout import Layout

VARIABLE = "CHURN_TEST_POSTGRES"
_EMBEDDED_RULES = settings.access_rules


class OtherBinaries(Binaries):
    """Programs that lie in one folder, `root`."""

    @property
    def bin_dir(self) -> Path:
        return self.root


def major_version(folder: Path) -> int:
    """The major version of the programs in a folder."""
    told = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", told)
    assert found is not None, told
    return int(found[1])


def use_from_environment() -> None:
    """Let this process run the programs that `CHURN_TEST_POSTGRES` names, where it does."""
    named = os.environ.get(VARIABLE)
    if not named:
        return
    other = OtherBinaries(Path(named))
    if not (other.root / "initdb").exists():
        raise pytest.UsageError(
            f"{VARIABLE}: there is no initdb in {named}; on Debian, `apt-get install postgresql-15`"
        )
    binaries.installed = lambda: other
    binaries.copied = lambda source, base: source
    vars(process).update(POSTGRES_MAJOR=major_version(other.root), _initdb=_initdb)
    settings.access_rules = _access_rules


def _initdb(layout: Layout, folder: Path) -> None:
    """As the embedded one does it, but with the system's C.UTF-8: Postgres has its own since version 17."""
    fixed = ["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=reject", "--no-instructions"]
    done = accounts.run_as(layout.account, [layout.binaries.program("initdb"), "-D", folder, *fixed])
    assert done.returncode == 0, done.stdout + done.stderr


def _access_rules(tcp_port: int | None) -> str:
    """Whoever reaches the closed folder of the socket is let in: before version 16 a map knows no "any role"."""
    over_tcp = _EMBEDDED_RULES(tcp_port).splitlines()[1:]
    return "\n".join(["local all all trust", *over_tcp, ""])
