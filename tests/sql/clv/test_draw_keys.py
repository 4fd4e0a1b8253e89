"""What CLV intervals are drawn with belongs to the customer's id."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from churn.schema import customer_keys

IDS = ("C000001", "c000001", "Zoë", "0")


def test_the_number_comes_from_the_id_and_not_from_the_key(staging):
    staging.connection.execute(customer_keys.insert(), [{"customer_id": name} for name in IDS])
    keys = {row.customer_id: row.customer_key for row in staging.connection.execute(sa.select(customer_keys))}
    rows = staging.run("clv/draw_keys.sql")
    expected = {keys[name]: int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:13], 16) for name in IDS}
    assert {row["customer_key"]: row["draw_key"] for row in rows} == expected
    assert [row["customer_key"] for row in rows] == sorted(expected)
