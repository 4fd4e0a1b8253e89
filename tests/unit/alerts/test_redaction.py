"""No secret leaves, however it is quoted."""

from __future__ import annotations

import pytest

from churn.alerts.redaction import redacted_text
from churn.config import Settings

SETTINGS = Settings(
    source={"url": "postgresql://clerk:s3cret%2Fpass@db.example.com/shop"},
    alerts={"webhook_url": "https://hooks.example.com/services/T00/B00/XYZ"},
    forget={"key": "k" * 32},
)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://clerk:s3cret%2Fpass@db.example.com/shop",
        'password "s3cret/pass" refused',
        "s3cret%2Fpass",
        "POST https://hooks.example.com/services/T00/B00/XYZ failed",
        "no such path: /services/T00/B00/XYZ",
        "k" * 32,
        "postgresql+psycopg2://other:s3cret-elsewhere@host/db",
        "host=h password=s3cret user=u",
        "password='s3cret word' host=h",
        "https://u:s3cret@proxy:8080",
        'invalid input syntax for type integer: "s3cret customer"',
    ],
)
def test_a_secret_is_taken_out(text):
    found = redacted_text(f"It said: {text}.", SETTINGS)
    assert not any(part in found for part in ("s3cret", "B00", "kkkk"))
    assert found.startswith("It said: ")


def test_what_is_no_secret_stays():
    text = 'relation "staging.customers" does not exist on db.example.com; run `churn migrate`.'
    assert redacted_text(text, SETTINGS) == text
