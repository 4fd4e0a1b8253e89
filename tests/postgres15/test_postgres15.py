"""The oldest Postgres that is supported: a part of the tests runs on version 15 wherever its programs are.

All of them run there with `make test15`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.other_server import VARIABLE, major_version

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = Path("/usr/lib/postgresql/15/bin")
# Migrations there and back, the windows of features and labels, months dropped beside readers, a night from the source
# to every view, and encryption.
PART = (
    "tests/migration/test_migrations.py::test_up_down_and_up_again",
    "tests/migration/test_migrations.py::test_migrating_twice_changes_nothing",
    "tests/sql/features/test_portability.py",
    "tests/sql/features/test_rfm.py",
    "tests/sql/labels/test_contractual.py",
    "tests/sql/labels/test_inactivity.py",
    "tests/sql/keeping/test_tidy.py::test_a_reader_s_open_transaction_goes_on_and_new_readers_don_t_wait",
    "tests/postgres15/test_small_night.py",
    "tests/postgres15/test_tls.py",
)


@pytest.mark.skipif(VARIABLE in os.environ, reason="everything runs on another Postgres already")
def test_a_part_of_the_tests_passes_on_postgres_15() -> None:
    if not (DEBIAN / "initdb").exists():
        pytest.skip("no Postgres 15 on this machine: on Debian and Ubuntu, `apt-get install postgresql-15`")
    assert major_version(DEBIAN) == 15
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *PART],
        cwd=ROOT,
        env={**environment, VARIABLE: str(DEBIAN)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    summary = done.stdout.strip().splitlines()[-1]
    assert (done.returncode, bool(re.fullmatch(r"\d+ passed in .*", summary))) == (0, True), done.stdout + done.stderr
