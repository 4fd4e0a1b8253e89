"""Nights whose list is chosen from scores written by hand, for tests of the list and its campaign."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from churn import campaigns
from churn.config import RetentionSection, Settings
from churn.features.snapshot import FeatureSet, Snapshot
from churn.partitions import ensure_month
from churn.scoring import ScoredNight, list_limits
from churn.scoring.assembly import NIGHTLY_TABLES
from churn.scoring.listing import freeze_list, tell_exclusions
from churn.scoring.offers import Offered, decide, store_offers
from churn.sqlfiles import read_sql
from tests.sql.nights import AT, Nights, score
from tests.sql.staging_tables import AS_OF, Staging

EMAIL = {"name": "email", "cost": 1.0, "save_rate": 0.1}
CALL = {"name": "call", "cost": 10.0, "save_rate": 0.3}
CHECKS = ("at_risk_list", "list_limits", "customer_offers", "campaign_balance")


def day(offset: int) -> date:
    return AS_OF + timedelta(days=offset)


class ListNights(Nights):
    """Chooses, freezes and publishes lists. Customers are written `p`, `value` at risk, and any column of scores."""

    def __init__(self, staging: Staging) -> None:
        super().__init__(staging)
        self.staging = staging

    def people(self, *keys: int, **columns: Any) -> None:
        """Customers c<key>, known to the source."""
        for key in keys:
            self.connection.execute(
                sa.text(
                    "insert into staging.customer_keys (customer_key, customer_id) overriding system value "
                    "values (:key, :id)"
                ),
                {"key": key, "id": f"c{key}"},
            )
            self.staging.customer(key, -400, **columns)

    def scored(self, rows: dict[int, dict[str, Any]], *, as_of: date = AS_OF) -> int:
        """Score customers, all of the segment `Loyal` unless told; they are made known where they are not."""
        known = set(self.connection.scalars(sa.text("select customer_key from staging.customer_keys")))
        self.people(*(key for key in rows if key not in known))
        for table in NIGHTLY_TABLES:
            ensure_month(self.connection, table, as_of)
        run_id = self.run(as_of, is_published=False)
        segments = sorted({row.get("segment", "Loyal") for row in rows.values()})
        for place, name in enumerate(segments, 1):
            self.segment(as_of, run_id, place, name)
        for key, given in rows.items():
            row = dict(given)
            p, value = row.pop("p", 0.5), row.pop("value", 1000)
            place = segments.index(row.pop("segment", "Loyal")) + 1
            written = {"churn_probability": p, "value_at_risk": value, "risk_score": p or 0.0} | row
            self.insert("scores.customer_scores", score(as_of, run_id, place, key, **written))
        return run_id

    def list_night(
        self, rows: dict[int, dict[str, Any]], *, offset: int = 0, publish: bool = True, **retention: Any
    ) -> ListNight:
        """A whole night's list: chosen, frozen, checked, and published with its campaign."""
        as_of = day(offset)
        run_id = self.scored(rows, as_of=as_of)
        replaced = self._shown(as_of)
        frozen = replaced
        if retention.pop("replace_list", False):
            campaigns.refuse_replacing_sent(self.connection, as_of)
            frozen = None
        settings = Settings(retention=RetentionSection(**({"holdout_share": 0.0, "contact_cost": 5.0} | retention)))
        snapshot = Snapshot(0, as_of, "captured", "contractual", "x", len(rows), FeatureSet(0, "x", (), (), {}))
        night = ScoredNight(settings, run_id, AT, snapshot, list_run_id=frozen or run_id)
        self.connection.exec_driver_sql("drop table if exists list_members")
        offered = decide(self.connection, night, np.array(self._keys(as_of, night.list_run_id), dtype=np.int64))
        if frozen is None:
            freeze_list(self.connection, night, offered)
        store_offers(self.connection, night, offered)
        tell_exclusions(self.connection, night)
        problems = [problem for check in CHECKS for problem in self._problems(check, night)]
        assert problems == []
        if publish:
            self._publish(night)
        return ListNight(self, night, offered)

    def _shown(self, as_of: date) -> int | None:
        query = sa.text("select list_run_id from ops.published where as_of_date = :as_of")
        return self.connection.scalar(query, {"as_of": as_of})

    def _keys(self, as_of: date, run_id: int) -> list[int]:
        query = sa.text(
            "select customer_key from scores.at_risk_list where as_of_date = :as_of and run_id = :run_id "
            "order by priority_rank"
        )
        return list(self.connection.scalars(query, {"as_of": as_of, "run_id": run_id}))

    def _problems(self, check: str, night: ScoredNight) -> list[str]:
        file = read_sql(f"checks/{check}.sql")
        params = {"as_of": night.as_of, "run_id": night.run_id} | list_limits(night)
        return list(self.connection.scalars(file.statement, {name: params[name] for name in file.params}))

    def _publish(self, night: ScoredNight) -> None:
        self.connection.execute(sa.text("delete from ops.published where as_of_date = :d"), {"d": night.as_of})
        row = {
            "as_of_date": night.as_of, "run_id": night.run_id, "list_run_id": night.list_run_id, "published_at": AT,
            "in_sample": False,
        }  # fmt: skip
        self.insert("ops.published", row)
        self.admitted = campaigns.admit(self.connection, night.settings, night.as_of, night.list_run_id, at=AT)

    def contact(self, key: int, offset: int, campaign: str = "nightly") -> None:
        """A recorded contact."""
        row = {
            "campaign": campaign, "customer_key": key, "sent_date": day(offset), "offer": "email", "recording_id": 1,
        }  # fmt: skip
        self.insert("ops.campaign_contacts", row)

    def member(self, key: int, offset: int, campaign: str = "spring", group: str = "treatment") -> None:
        """A member of a campaign."""
        row = {"campaign": campaign, "customer_key": key, "as_of_date": day(offset), "campaign_group": group}
        self.insert("ops.campaign_members", row)

    def members(self, *columns: str) -> list[tuple[Any, ...]]:
        """Members of all campaigns, ordered."""
        names = ", ".join(columns)
        query = f"select {names} from ops.campaign_members order by campaign, customer_key"
        return [tuple(row) for row in self.connection.execute(sa.text(query))]


class ListNight:
    """A night whose list is out."""

    def __init__(self, nights: ListNights, night: ScoredNight, offered: Offered) -> None:
        self._nights, self._night, self.offered = nights, night, offered
        self.notes, self.run_id = night.notes, night.run_id

    def listed(self, *columns: str) -> list[Any]:
        """The list in its order: one column of it, or tuples of several."""
        names = ", ".join(columns or ("customer_key",))
        query = f"select {names} from scores.at_risk_list where as_of_date = :d and run_id = :r order by priority_rank"
        params = {"d": self._night.as_of, "r": self._night.list_run_id}
        found = [tuple(row) for row in self._nights.connection.execute(sa.text(query), params)]
        return [row[0] for row in found] if len(columns) < 2 else found

    def status(self) -> dict[int, str]:
        """What is told of each customer."""
        query = "select customer_key, list_status from scores.customer_offers where as_of_date = :d and run_id = :r"
        params = {"d": self._night.as_of, "r": self._night.run_id}
        return {row[0]: row[1] for row in self._nights.connection.execute(sa.text(query), params)}

    def row(self, table: str, where: str = "true") -> dict[str, Any]:
        """The one row of a table of this run."""
        run_id = self._night.list_run_id if table.startswith("campaign") else self._night.run_id
        query = sa.text(f"select * from scores.{table} where as_of_date = :d and run_id = :r and {where}")
        (found,) = self._nights.connection.execute(query, {"d": self._night.as_of, "r": run_id}).mappings()
        return dict(found)

    def count(self, table: str) -> dict[str, int]:
        """Customers by reason, of list_exclusions."""
        query = sa.text(f"select list_status, customers from scores.{table} where as_of_date = :d and run_id = :r")
        params = {"d": self._night.as_of, "r": self._night.run_id}
        return {row[0]: row[1] for row in self._nights.connection.execute(query, params)}
