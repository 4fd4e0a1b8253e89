"""A small warehouse with campaigns, for tests that enter members, let time pass and look at the figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from churn import campaigns, schema
from churn.campaigns.sheets import open_sheet
from churn.config import Settings
from tests.sql.staging_tables import AS_OF, Staging, day

AT = datetime(2025, 7, 1, 3, tzinfo=UTC)
RUN = 7


class Marketing:
    """Campaigns over staging tables: keys are customers `c1`, `c2`, …; days are counted from AS_OF."""

    def __init__(self, staging: Staging, **settings: Any) -> None:
        self.staging = staging
        self.connection = staging.connection
        self.settings = Settings(**settings)

    # ------------------------------------------------------------ what is there

    def customers(self, *keys: int) -> None:
        """Make customers known by id; `c<key>`."""
        rows = [{"customer_key": key, "customer_id": f"c{key}"} for key in keys]
        self.connection.execute(
            sa.text("insert into staging.customer_keys (customer_key, customer_id) overriding system value "
                    "values (:customer_key, :customer_id)"),
            rows,
        )  # fmt: skip

    def run(self, status: str = "succeeded") -> int:
        """Open a run of the ledger."""
        row = {"job": "nightly", "as_of_date": AS_OF, "status": status, "started_at": AT, "config_digest": "x"}
        statement = sa.insert(schema.runs).values(row).returning(schema.runs.c.run_id)
        return int(self.connection.execute(statement).scalar_one())

    def campaign(self, name: str, kind: str = "list") -> None:
        row = {"campaign": name, "kind": kind, "started_as_of_date": day(-365), "created_at": AT, "run_id": RUN}
        self.connection.execute(sa.insert(schema.campaigns), row)

    def member(self, campaign: str, key: int, group: str = "treatment", entered: int = -60, **columns: Any) -> None:
        row = {"offer": "call", "campaign": campaign, "customer_key": key, "campaign_group": group, **columns}
        self.connection.execute(sa.insert(schema.campaign_members), {**row, "as_of_date": day(entered)})

    def contact(self, campaign: str, key: int, sent: int, cost: float | None = None, **columns: Any) -> None:
        row = {"campaign": campaign, "customer_key": key, "sent_date": day(sent), "cost": cost, "recording_id": 1}
        self.connection.execute(sa.insert(schema.campaign_contacts), {"offer": "call", **row, **columns})

    def outcomes(
        self, campaign: str, first: int, left: int, all_of: int, *, group: str, entered: int = -60, **columns: Any
    ) -> int:
        """Enter `all_of` customers from key `first` on, of whom `left` churned; return the next free key."""
        measured = {"revenue": columns.pop("revenue", None), "is_active": columns.pop("is_active", None)}
        matured = columns.pop("matured", entered + 44)
        for key in range(first, first + all_of):
            self.member(campaign, key, group, entered, **columns)
            row = {
                "campaign": campaign, "customer_key": key, "as_of_date": day(entered), "matured_date": day(matured),
                "churned": key < first + left, "run_id": RUN, **measured,
            }  # fmt: skip
            self.connection.execute(sa.insert(schema.campaign_outcomes), row)
        return first + all_of

    # ------------------------------------------------------------ what is done

    def measure(self, offset: int = 0, run_id: int = RUN) -> int:
        return campaigns.measure_outcomes(self.connection, self.settings, day(offset), run_id)

    def record(self, text: str | bytes, campaign: str = "nightly", today: int = 0, **options: Any) -> Any:
        chunks = [text.encode() if isinstance(text, str) else text]
        sheet = open_sheet(chunks, "sent.csv", self.settings.business.timezone)
        request = campaigns.Request(campaign, day(today), **options)
        return campaigns.record(self.connection, self.settings, sheet, request, RUN, at=AT)

    def results(self, offset: int = 0, campaign: str = "nightly") -> dict[str, dict[str, Any]]:
        """Renew the results and show those of a campaign, by arm."""
        campaigns.store_results(self.connection, self.settings, day(offset), RUN, at=AT)
        query = sa.text("select * from bi.campaign_results where campaign = :campaign")
        rows = self.connection.execute(query, {"campaign": campaign}).mappings()
        return {row["arm"]: dict(row) for row in rows}

    def rates(self, offset: int = 0) -> campaigns.RateTable:
        return campaigns.save_rates(self.connection, self.settings, day(offset), RUN)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table, ordered."""
        found = self.connection.execute(sa.text(f"select * from {table}")).mappings()
        return sorted((dict(row) for row in found), key=str)


def date_at(offset: int) -> date:
    """The date `offset` days from AS_OF."""
    return AS_OF + timedelta(days=offset)
