"""A night of four customers in which nothing is wrong: every table that a night writes has rows that fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import schema
from churn.checks import CheckResult, run_checks
from churn.config import Settings
from churn.partitions import ensure_month
from churn.quality import measure, quality_limits
from churn.schema import MONTHLY_TABLES
from tests.sql.nights import Nights, score
from tests.sql.staging_tables import AS_OF, Staging, moment

AT = datetime(2025, 7, 1, 3, tzinfo=UTC)
KEYS = (1, 2, 3, 4)
LISTED = (1, 2)
CHURN_MODEL, SEGMENTS, CLV_MODEL = "churn-1", "segments-1", "clv-1"
LIMITS: dict[str, Any] = {
    "list_size": 10, "budget": None, "minimum_value": 0, "capacities": "{}", "cooldown_days": 30, "horizon_days": 30,
    "psi_fail": 1.0,
}  # fmt: skip
QUESTIONS = (
    "Which segments churn most?",
    "What behaviour leads to churn?",
    "Who is valuable and at risk?",
    "Whom to contact first, with what?",
    "Did the campaign work?",
)
MONTH = date(2025, 6, 1)


class WholeNight:
    """The night, in a transaction that is never committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.staging = Staging(connection)
        self.nights = Nights(self.staging)
        for table in MONTHLY_TABLES:
            for offset in (0, -30):
                ensure_month(connection, table, AS_OF + timedelta(days=offset))
        self.run_id = self.nights.run(AS_OF, is_published=False)
        self.change("update ops.runs set versions = cast(:v as jsonb) where run_id = :run_id", v=_VERSIONS)
        self._stage()
        self._extract()
        self._score()
        self._total()
        self._list()
        self._register()
        measure(connection, AS_OF, self.run_id, self.snapshot_id)

    def change(self, statement: str, **params: Any) -> None:
        """Change a row."""
        names = {"as_of": AS_OF, "run_id": self.run_id, **params}
        text = sa.text(statement)
        wanted = {name: names[name] for name in text._bindparams}
        assert self.connection.execute(text, wanted).rowcount != 0, statement

    def checked(self, *names: str) -> dict[str, CheckResult]:
        """What the checks find, by name."""
        keys = {"as_of": AS_OF, "run_id": self.run_id, "list_run_id": self.run_id, "snapshot_id": self.snapshot_id}
        found = run_checks(self.connection, keys | LIMITS | quality_limits(Settings()))
        return {result.name: result for result in found if not names or result.name in names}

    def figure(self, table: str, figure: str, value: float, usual: float | None) -> None:
        """Write a figure of the night over the one that is there."""
        row = {"run_id": self.run_id, "as_of_date": AS_OF, "table_name": table, "figure": figure}
        own = [schema.table_figures.c[name] == given for name, given in row.items()]
        self.connection.execute(sa.delete(schema.table_figures).where(*own))
        self.connection.execute(sa.insert(schema.table_figures), row | {"value": value, "usual": usual})

    def insert(self, table: str, *rows: dict[str, Any]) -> None:
        """Insert rows; those of `scores` are of this night and run unless told."""
        named = {"as_of_date": AS_OF, "run_id": self.run_id} if table.startswith("scores.") else {}
        names = schema.metadata.tables[table].c
        own = {name: value for name, value in named.items() if name in names}
        self.nights.insert(table, *(own | row for row in rows))

    @contextmanager
    def undone(self) -> Iterator[WholeNight]:
        """Take back afterwards whatever is changed."""
        with self.connection.begin_nested() as savepoint:
            yield self
            savepoint.rollback()

    def _stage(self) -> None:
        for key in KEYS:
            statement = (
                "insert into staging.customer_keys (customer_key, customer_id) overriding system value "
                "values (:key, :id)"
            )
            self.change(statement, key=key, id=f"c{key}")
            self.staging.customer(key, -400)
            self.staging.subscription(key, -300, subscription_id=f"s{key}")
            self.staging.payment(key, -5, payment_id=f"p{key}")
            self.staging.usage(key, -1)
            self.staging.ticket(key, -9, -3, ticket_id=f"t{key}")
            self.staging.attribute(key, "country", "DE")

    def _extract(self) -> None:
        counts = {"mode": "full", "rows_changed": 4, "rows_deleted": 0, "late_rows": 0, "run_id": self.run_id}
        for entity in ("customers", "payments"):
            read = {"rows_read": 7, "rows_used": 4, "rows_quarantined": 2, "rows_forgotten": 1}
            self.insert("ops.extractions", {"entity": entity, **read, **counts})
            reason = {"entity": entity, "reason": "duplicate_key", "rows": 2, "samples": ["x"], "run_id": self.run_id}
            self.insert("ops.quarantine", reason)
            mark = {"mapping_digest": "x", "columns": [], "full_read_at": AT, "extracted_at": AT}
            self.insert("ops.watermarks", {"entity": entity, "run_id": self.run_id, **mark})

    def _score(self) -> None:
        self.snapshot_id = self.nights.snapshot({key: {"logins": float(key)} for key in KEYS})
        families = ["tenure", "revenue", "payments", "usage", "tickets", "attributes"]
        self.change("update ops.feature_sets set families = :families", families=families)
        self.nights.segment(AS_OF, self.run_id, 1, "Loyal", customers=4)
        told = {
            "churn_probability": 0.2, "mrr": 50, "clv": 500, "clv_if_retained": 600, "value_at_risk": 120,
            "value_tier": "high", "plan": "basic", "reason_1": "Logs in less.", "segment_since_date": AS_OF,
        }  # fmt: skip
        self.insert("scores.customer_scores", *(score(AS_OF, self.run_id, 1, key, **told) for key in KEYS))
        drift = {"feature": "logins", "model_version": CHURN_MODEL, "psi": 0.1, "unseen_share": 0, "status": "ok"}
        shares = {"missing_share": 0, "missing_share_trained": 0}
        self.insert("ops.feature_drift", {"as_of_date": AS_OF, "run_id": self.run_id, **drift, **shares})

    def _total(self) -> None:
        for dimension, value in (("all", ""), ("segment", "Loyal"), ("value_tier", "high")):
            clv = {"customers": 4, "clv": 2000, "clv_if_retained": 2400}
            self.insert("scores.clv_totals", {"dimension": dimension, "value": value, **clv})
        driver = {"segment": "", "driver": "logins", "direction": "down", "importance": 1, "customers_affected": 3}
        self.insert("scores.churn_drivers", {**driver, "description": "Words."})
        counts = {"customers_start": 4, "new": 0, "reactivated": 0, "churned": 0, "customers_end": 4}
        moves = dict.fromkeys(
            ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churned", "mrr_reactivated"), 0
        ) | {"mrr_start": 200, "mrr_end": 200}  # fmt: skip
        month = {"month": MONTH, "dimension": "all", "value": "", "is_provisional": False}
        self.insert("scores.kpi_months", month | counts | moves)
        cohort = {"signup_month": MONTH, "customers": 4, "is_provisional": False}
        for months, retained in ((0, 4), (1, 3)):
            self.insert("scores.cohort_months", {**cohort, "months_since": months, "retained": retained})
        for key in KEYS:
            row = {"as_of_date": MONTH, "customer_key": key, "segment_id": 1, "segment": "Loyal"}
            self.insert("scores.month_segments", row)
        for place, question in enumerate(QUESTIONS, 1):
            evidence = {"view": "bi.segments", "query": "select 1", "numbers": {}}
            words = {"insight": f"i{place}", "subject": "x", "finding": "Words.", "recommendation": "Words."}
            self.insert("scores.insights", {"priority": place, "question": question, "evidence": evidence, **words})
        group = {"dimension": "segment", "value": "Loyal", "outcome_as_of_date": AS_OF - timedelta(days=45)}
        counts = {"customers": 4, "churned": 1, "others": 3, "others_churned": 0}
        self.insert("scores.group_outcomes", group | counts)
        change = {"measure": "mrr", "value": "all", "compared_date": AS_OF - timedelta(days=7), "customers": 4}
        self.insert("scores.week_changes", change | {"figure_before": 50, "figure": 50, "change": 0})

    def _list(self) -> None:
        for place, key in enumerate(LISTED, 1):
            offered = {"offer": "email", "offer_cost": 1, "expected_net_value": 5, "save_rate": 0.1}
            on_list = score(AS_OF, self.run_id, 1, key, churn_probability=0.2, offer="email", **_without_offer(offered))
            on_list.pop("lifecycle_stage")
            group = "holdout" if key == LISTED[-1] else "treatment"
            campaign = {"priority_rank": place, "segment": "Loyal", "campaign": "nightly", "campaign_group": group}
            self.insert("scores.at_risk_list", on_list | campaign)
            self.insert("scores.customer_offers", {"customer_key": key, "list_status": "listed", **offered})
        self.insert("scores.list_exclusions", {"list_status": "no offer pays", "customers": 2})
        figures = {"listed": 2, "treatment": 1, "holdout": 1, "entering": 2, "members_to_date": 2, "planned_cost": 2}
        told = {"campaign": "nightly", "expected_churn_rate": 0.2, "smallest_balance_p": 0.5, "statement": "Words."}
        self.insert("scores.campaign_lists", figures | told)
        sides = {"dimension": "segment", "value": "Loyal", "treatment": 1, "holdout": 1, "expected_holdout": 1}
        self.insert("scores.campaign_balance", {"campaign": "nightly", **sides})
        rate = {"offer": "email", "dimension": "all", "value": "", "assumed": 0.1, "campaigns": 0, "save_rate": 0.1}
        self.insert("scores.save_rates", {**rate, "treatment": 0, "holdout": 0, "probability_harmful": 0})
        self._campaign()

    def _campaign(self) -> None:
        started = AS_OF - timedelta(days=90)
        made = {"campaign": "spring", "kind": "recorded", "started_as_of_date": started, "created_at": AT, "run_id": 1}
        self.insert("ops.campaigns", made)
        entered = {"campaign": "spring", "customer_key": 4, "as_of_date": started}
        self.insert("ops.campaign_members", {**entered, "campaign_group": "treatment"})
        ended = {"matured_date": AS_OF - timedelta(days=1), "churned": False, "run_id": self.run_id}
        self.insert("ops.campaign_outcomes", {**entered, **ended})
        sent = {"campaign": "spring", "customer_key": 4, "sent_date": started, "recording_id": 1}
        self.insert("ops.campaign_contacts", sent)
        nights = {"as_of_date": AS_OF, "first_as_of_date": started, "last_as_of_date": started, "computed_at": AT}
        counts = dict.fromkeys(("assigned_holdout", "contacted_holdout", "measured_holdout", "not_measured"), 0)
        counts |= dict.fromkeys(("assigned_treatment", "contacted_treatment", "measured_treatment"), 1)
        result = {"campaign": "spring", "arm": "all", "verdict": "Words.", "run_id": 1, "retained_rate_treatment": 1}
        self.insert("ops.campaign_results", nights | counts | result)

    def _register(self) -> None:
        for kind, version in (("churn", CHURN_MODEL), ("segments", SEGMENTS), ("clv", CLV_MODEL)):
            model = {"model_version": version, "kind": kind, "status": "champion", "artifact": "x", "sha256": "0" * 64}
            dates = {"trained_as_of": AS_OF, "created_at": AT, "run_id": 1, "reason": "x", "details": {}}
            self.insert("ops.models", model | dates)
            event = {"model_version": version, "kind": kind, "event": "registered", "at": AT, "actor": "x"}
            self.insert("ops.model_events", event | {"reason": "x"})
        tested = {"model_version": CHURN_MODEL, "evaluation": "out_of_time", "customer_months": 40, "churners": 8}
        dates = {"from_as_of_date": MONTH, "to_as_of_date": MONTH, "base_rate": 0.2}
        self.insert("ops.model_performance", tested | dates)
        counted = {"model_version": SEGMENTS, "snapshot_id": self.snapshot_id, "segment_id": 1}
        self.insert("ops.segment_outcomes", {**counted, "customers": 4, "churned": 1})
        born = {"model_version": SEGMENTS, "segment_id": 1, "segment": "Loyal", "event": "born", "reason": "x"}
        when = {"as_of_date": AS_OF, "related_segments": [], "at": AT, "run_id": self.run_id}
        self.insert("ops.segment_events", born | when)
        test = {"model_version": CLV_MODEL, "method": "cohort", "customers": 4, "predicted": 10, "realised": 9}
        span = {"from_date": MONTH, "to_date": AS_OF, "mean_absolute_error": 1, "is_used": True, "is_best": True}
        self.insert("ops.clv_backtests", test | span)
        self.insert("ops.clv_deciles", test | {"decile": 1})
        night = {"as_of_date": MONTH, "run_id": 1, "model_version": CHURN_MODEL, "customers": 4, "churners": 1}
        self.insert("ops.realised_nights", night | {"treated_left_out": 0, "evaluated_run_id": 1})
        figure = {"as_of_date": MONTH, "figure": "auc_roc", "value": 0.7, "status": "inside"}
        self.insert("ops.realised_figures", figure)


_VERSIONS = f'{{"churn": "{CHURN_MODEL}", "segments": "{SEGMENTS}", "clv": "{CLV_MODEL}", "clv_method": "cohort"}}'


def _without_offer(offered: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in offered.items() if name != "offer"}


def noon(offset: int) -> datetime:
    """Noon of a day, counted from the night."""
    found = moment(offset)
    assert found is not None
    return found
