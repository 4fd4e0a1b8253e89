"""What a backfill says of the lists of past nights."""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa

from churn.backfill import _notes
from churn.config import Settings
from churn.partitions import ensure_month
from churn.progress import Silence
from churn.running import Job

NIGHTS = [date(2026, 11, 1), date(2026, 11, 2)]


def test_only_lists_that_are_no_rehearsals_count_as_sent(ledger, ledger_url):
    settings = Settings.model_validate({"warehouse": {"url": ledger_url}})
    job = Job(settings, date(2026, 11, 3), lambda: datetime(2026, 11, 3, 4, tzinfo=UTC), Silence())
    with ledger.begin() as connection:
        ensure_month(connection, "campaign_lists", NIGHTS[0])
        for number, night in enumerate(NIGHTS, start=1):
            values = {"night": night, "run": number}
            connection.execute(
                sa.text("insert into ops.published values (:night, :run, :run, '2026-11-03', false)"), values
            )
            connection.execute(
                sa.text(
                    "insert into scores.campaign_lists (as_of_date, run_id, campaign, listed, treatment, holdout, "
                    "entering, members_to_date, statement, is_rehearsal) values (:night, :run, 'c', 1, 1, 0, 0, 0, '', "
                    "true)"
                ),
                values,
            )
    assert _notes(job, NIGHTS) == ()
    with ledger.begin() as connection:
        connection.execute(sa.text("update scores.campaign_lists set is_rehearsal = false where run_id = 2"))
    (note,) = _notes(job, NIGHTS)
    assert note.startswith("The lists of 2026-11-02 to 2026-11-02 count as sent.")
