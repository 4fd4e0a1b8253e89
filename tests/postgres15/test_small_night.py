"""A shop's night from the source to every view, on the Postgres that `CHURN_TEST_POSTGRES` names.

The embedded one has larger tests of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churn.migrate import bi_views
from tests.conftest import MakeDatabase
from tests.e2e.bad_input_source import AS_OF, ROWS, TABLES, Shop
from tests.other_server import VARIABLE, major_version

pytestmark = pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no Postgres")


def test_a_night_reaches_every_view_and_a_second_one_changes_nothing(make_database: MakeDatabase, tmp_path: Path):
    shop = Shop(tmp_path, make_database())
    shop.execute(TABLES)
    shop.execute(ROWS, customers=40)
    assert shop.run("migrate").code == 0
    version = shop.value("select current_setting('server_version_num')::integer / 10000 as major")
    assert version == major_version(Path(os.environ[VARIABLE]))
    for options in ([], ["--recompute"]):
        done = shop.nightly(AS_OF, *options)
        assert done.code == 0, done.err
    assert sorted(shop.views()) == sorted(view.name for view in bi_views())
    assert len(shop.published()["customer_scores"]) == 32
    assert shop.run("doctor").code == 0
    assert shop.run("migrate").code == 0
