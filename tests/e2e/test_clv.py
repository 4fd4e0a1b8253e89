"""CLV as it is published: values, totals, the backtest beside the baselines, and what nights and training say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from math import log
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn.clv import Economics
from churn.config import RolesSection
from churn.errors import DataContractError, ModelError
from churn.migrate import migrate
from churn.pipeline import run_nightly, run_train
from churn.registry import Author
from churn.training import TrainingReport
from churn.valuation import adopt_clv, fit_clv, refits
from churn.warehouse import open_database
from tests.conftest import MakeTemplate
from tests.e2e.bad_input_source import run_churn
from tests.e2e.company import AS_OF, Office, copied, dropped, fill_source, night_of

METHODS = ["model", "own_rate", "segment_average"]
CLV_MODEL = "select model_version from ops.models where kind = 'clv' and status = 'champion'"
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def shop(
    make_template: MakeTemplate, server_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, TrainingReport]]:
    """The company's payments alone, as a shop whose customers leave by silence; trained, and its first night."""
    source = copied(server_home, make_template("company_source", fill_source))
    warehouse = copied(server_home, make_template("migrated_for_clv", _migrated))
    office = Office(tmp_path_factory.mktemp("shop"), source, warehouse)
    office.configure(churn__definition="inactivity", churn__inactivity_days=60, clv__horizon_months=12)
    report = run_train(office.job(now=night_of(AS_OF) - timedelta(hours=2)))
    office.nightly()
    yield office, report
    dropped(server_home, source, warehouse)


def _migrated(url: str) -> None:
    database = open_database(url, "warehouse")
    migrate(database, RolesSection())
    database.dispose()


def show(office: Office, *words: str) -> str:
    """What a command prints."""
    outcome = run_churn("--config", str(office.config), *words)
    assert outcome.code == 0, outcome.err
    return outcome.out


# --- contracts ----------------------------------------------------------------------------------------------------


def test_the_model_stands_beside_the_baselines_on_time_that_it_had_not_seen(published: Office):
    tested = published.rows("select * from bi.clv_performance where model_status = 'champion'")
    assert [row["method"] for row in tested] == METHODS
    assert [row["is_used"] for row in tested] == [True, False, False]
    assert sum(row["is_best"] for row in tested) == 1
    assert len({(row["customers"], row["realised"]) for row in tested}) == 1
    model = tested[0]
    assert model["to_date"] <= AS_OF
    assert (model["to_date"] - model["from_date"]).days >= 90
    assert model["predicted_over_realised"] == pytest.approx(1, abs=0.2)
    assert model["rank_correlation"] > 0.5
    sums = published.rows(
        "select method, sum(customers) as customers, sum(predicted) as predicted, sum(realised) as realised "
        "from bi.clv_deciles where model_status = 'champion' group by method order by method"
    )
    for row, summed in zip(tested, sums, strict=True):
        assert summed["customers"] == row["customers"]
        assert abs(summed["predicted"] - row["predicted"]) <= 10 * CENT
        assert abs(summed["realised"] - row["realised"]) <= 10 * CENT


def test_what_was_realised_is_what_the_contracts_paid(published: Office):
    model = published.rows("select * from bi.clv_performance where model_status = 'champion' and method = 'model'")[0]
    months = round((model["to_date"] - model["from_date"]).days / 30.4375)
    ends = [model["from_date"] + timedelta(days=round(month * 30.4375)) for month in range(1, months + 1)]
    paid = 0.0
    periods = published.rows("select * from staging.subscription_periods where mrr > 0")

    def active(row, day):
        return row["started_date"] < day and (row["ended_date"] is None or row["ended_date"] >= day)

    then = {row["customer_key"] for row in periods if active(row, model["from_date"])}
    for row in periods:
        paid += sum(float(row["mrr"]) for day in ends if row["customer_key"] in then and active(row, day))
    margin = published.settings.clv.gross_margin
    assert model["customers"] == len(then)
    assert float(model["realised"]) == pytest.approx(paid * margin, abs=0.02)


def test_totals_are_those_of_the_customers_by_every_dimension(published: Office):
    total = published.value("select sum(clv) from bi.customer_scores")
    sums = published.rows(
        "select dimension, sum(clv) as clv, sum(customers) as customers from bi.clv_totals group by dimension"
    )
    assert {row["dimension"] for row in sums} == {"all", "segment", "value_tier", "plan"}
    assert {row["clv"] for row in sums} == {total}
    assert {row["customers"] for row in sums} == {published.value("select count(*) from bi.customer_scores")}
    every = published.rows("select * from bi.clv_totals")
    assert all(row["clv_low"] < row["clv"] < row["clv_high"] for row in every)
    everybody = next(row for row in every if row["dimension"] == "all")
    assert everybody["clv_high"] - everybody["clv_low"] < everybody["clv"]


def test_a_customer_s_value_comes_with_what_it_may_turn_out_to_be(published: Office):
    rows = published.rows("select clv, clv_low, clv_high, p_alive, expected_purchases from bi.customer_scores")
    assert all(0 <= row["clv_low"] <= row["clv_high"] for row in rows)
    assert sum(row["clv_low"] <= row["clv"] <= row["clv_high"] for row in rows) > 0.9 * len(rows)
    assert {row["p_alive"] for row in rows} == {row["expected_purchases"] for row in rows} == {None}


def test_training_fits_clv_and_the_registry_says_so(published: Office):
    (row,) = published.rows(
        "select m.reason, e.actor, m.details from ops.models as m "
        "inner join ops.model_events as e on m.model_version = e.model_version and e.event = 'promoted' "
        "where m.kind = 'clv'"
    )
    assert row["actor"] == "churn train, run 1"
    assert row["reason"] == f"fitted as of {AS_OF}, by training"
    assert row["details"]["parameters"]["kind"] == "clv_contractual"
    assert set(row["details"]["backtest"]["methods"]) == set(METHODS)
    printed = show(published, "models", "show", published.value(CLV_MODEL))
    assert "Backtest: margin from" in printed
    assert "each customer's own rate" in printed
    assert "hazard_sd" in printed


def test_a_night_by_the_own_rate_values_everybody_at_what_is_paid_now(office: Office):
    office.configure(clv__method="own_rate")
    summary = office.nightly()
    terms = office.settings.clv
    factor = (
        Economics(30, terms.horizon_months, terms.annual_discount_rate, terms.gross_margin).discount_factors().sum()
    )
    rows = office.rows("select * from bi.customer_scores")
    for row in rows:
        assert float(row["clv"]) == pytest.approx(float(row["mrr"]) * terms.gross_margin * factor, rel=1e-6, abs=0.01)
        assert row["clv_low"] is row["clv_high"] is None
        p = row["churn_probability"]
        assert float(row["value_at_risk"]) == pytest.approx(p * float(row["clv"]), rel=1e-6, abs=0.02)
        assert float(row["clv_if_retained"]) == pytest.approx((1 + p) * float(row["clv"]), rel=1e-6, abs=0.02)
    assert office.column("select distinct clv_low from bi.clv_totals") == [None]
    assert office.column("select method from bi.clv_performance where is_used") == ["own_rate"]
    best = office.value("select method from bi.clv_performance where is_best")
    assert any("clv.method" in note for note in summary.notes) == (best != "own_rate")


def test_a_night_by_the_segments_averages_values_a_segment_alike(office: Office):
    office.configure(clv__method="segment_average")
    office.nightly()
    spread = office.rows("select segment, min(clv) as low, max(clv) as high from bi.customer_scores group by segment")
    assert all(row["low"] == row["high"] > 0 for row in spread)
    assert len({row["low"] for row in spread}) > 1


def test_a_night_renews_an_old_model_and_keeps_what_training_taught_it(office: Office):
    first = office.value("select details from ops.models where kind = 'clv'")
    office.configure(clv__refit_days=1)
    later = AS_OF + timedelta(days=1)
    summary = office.nightly(later)
    second = office.rows(
        "select model_version, details, reason from ops.models where kind = 'clv' and status = 'champion'"
    )
    (row,) = second
    assert row["reason"] == f"fitted as of {later}, by the first run that needed it"
    for part in ("splice", "clock", "growth", "returns"):
        assert row["details"]["parameters"][part] == first["parameters"][part]
    assert row["details"]["parameters"]["cohorts"] != first["parameters"]["cohorts"]
    assert row["details"]["backtest"] == first["backtest"]
    assert any("CLV was backtested when clv-" in note for note in summary.notes)
    shown = "select method, predicted, realised, is_used, is_best from bi.clv_performance where model_version = :v"
    before = office.value("select model_version from ops.models where kind = 'clv' and status = 'retired'")
    assert len(office.rows(shown, v=row["model_version"])) == len(METHODS)
    assert office.rows(shown, v=row["model_version"]) == office.rows(shown, v=before)
    deciles = "select count(*) from bi.clv_deciles where model_version = :v and model_status = 'champion'"
    assert office.value(deciles, v=row["model_version"]) == 10 * len(METHODS)


def test_a_night_that_cannot_fit_anew_keeps_the_model_in_use_and_says_why(office: Office, monkeypatch):
    before = office.value(CLV_MODEL)
    office.configure(clv__refit_days=1)

    def fails(*_: object, **__: object) -> None:
        raise ModelError("The curves did not converge.", "Load more history.")

    monkeypatch.setattr(refits, "fit_model", fails)
    later = AS_OF + timedelta(days=1)
    summary = office.nightly(later)
    told = f"CLV could not be fitted as of {later}: The curves did not converge. Load more history."
    assert f"{told} {before} stays in use." in summary.notes
    assert office.value("select count(*) from bi.customer_scores where clv is null") == 0
    assert office.value(CLV_MODEL) == before


def test_clv_is_fitted_where_churn_training_is_refused(office: Office):
    before = office.value(CLV_MODEL)
    office.configure(train__min_churners=1_000_000)
    with pytest.raises(ModelError, match="too few churners") as refused:
        run_train(office.job(now=night_of(AS_OF + timedelta(days=1))))
    assert "CLV was fitted all the same: clv-" in refused.value.hint
    assert before in refused.value.hint or office.value(CLV_MODEL) in refused.value.hint


def test_another_currency_stops_the_night_and_what_was_published_stays(office: Office):
    shown = office.shown()
    office.change_source("alter table public.payments add column currency text")
    office.change_source(
        "update public.payments set currency = case when payment_id in "
        "(select min(payment_id) from public.payments) then 'SEK' else 'USD' end"
    )
    mapping = office.folder / "source" / "payments.sql"
    job = office.job()
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("p.status,", "p.status, p.currency,"), "utf-8")
    with pytest.raises(DataContractError, match=r"business.currency = USD.*SEK \(1 row\)"):
        run_nightly(job)
    assert office.shown() == shown


# --- a shop -------------------------------------------------------------------------------------------------------


def test_a_shop_s_customers_have_a_chance_of_being_alive_and_expected_purchases(shop):
    office, report = shop
    rows = office.rows("select * from bi.customer_scores")
    known = [row["p_alive"] for row in rows if row["p_alive"] is not None]
    assert all(0 < p_alive <= 1 for p_alive in known)
    assert len(known) in (0, len(rows))
    assert bool(known) != any("p_alive is unknown" in note for note in report.notes)
    assert all(row["expected_purchases"] >= 0 for row in rows)
    assert all(row["clv_low"] <= row["clv_high"] for row in rows)
    assert {row["value_tier"] for row in rows} == {"high", "medium", "low"}
    checks = office.rows("select check_name, status from bi.data_quality where check_name = 'clv_totals'")
    assert {row["status"] for row in checks} == {"passed"}


def test_how_far_the_backtest_was_off_widens_the_totals_of_a_shop(shop):
    office, _ = shop
    (row,) = office.rows("select * from bi.clv_performance where method = 'model' and model_status = 'champion'")
    found = office.value("select details from ops.models where kind = 'clv' and status = 'champion'")
    level_sd = found["parameters"]["level_sd"]
    assert level_sd == pytest.approx(abs(log(float(row["predicted"]) / float(row["realised"]))), abs=1e-4)
    total = office.rows("select * from bi.clv_totals where dimension = 'all'")[0]
    assert float(total["clv_high"] - total["clv"]) >= 1.28 * level_sd * float(total["clv"])


@contextmanager
def undone(office: Office) -> Iterator[sa.Connection]:
    """A transaction in the warehouse that leaves nothing behind."""
    engine = sa.create_engine(office.warehouse_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_night_s_fit_keeps_the_averages_of_the_segments_that_training_found(shop):
    office, _ = shop
    found = office.value("select details from ops.models where kind = 'clv' and status = 'champion'")
    assert found["segment_averages"]["segments"]
    with undone(office) as connection:
        fitted = fit_clv(connection, office.settings, as_of=AS_OF + timedelta(days=1))
        assert fitted.new.details["segment_averages"] == found["segment_averages"]
        connection.execute(sa.text("delete from ops.models where kind = 'clv'"))
        alone = fit_clv(connection, office.settings, as_of=AS_OF + timedelta(days=1))
        assert alone.new.details["segment_averages"] is None
        assert alone.in_force.averages is None


def test_a_damaged_model_stops_no_fit_by_inactivity_and_is_mended_by_it(shop):
    office, _ = shop
    version = office.value(CLV_MODEL)
    author = Author("churn train, run 1", night_of(AS_OF), 1)
    with undone(office) as connection:
        connection.execute(sa.text("update ops.models set artifact = '{}' where kind = 'clv'"))
        with pytest.raises(ModelError, match="digest differs") as damaged:
            refits.clv_model_in_force(connection, office.settings, author, as_of=AS_OF)
        assert damaged.value.hint == "Train again with `churn train`."
        adopted = adopt_clv(connection, office.settings, author, fit_clv(connection, office.settings, as_of=AS_OF), "")
        again = refits.clv_model_in_force(connection, office.settings, author, as_of=AS_OF)
        assert again.model_version == adopted.model_version == version
        assert again.model == adopted.model


def test_a_damaged_model_of_contracts_is_left_behind_with_a_note(published: Office):
    with undone(published) as connection:
        connection.execute(sa.text("update ops.models set artifact = '{}' where kind = 'clv'"))
        fitted = fit_clv(connection, published.settings, as_of=AS_OF)
        first, second = fitted.in_force.notes(published.settings)[:2]
        assert first.startswith("CLV starts without what clv-")
        assert "digest differs" in first
        assert "`churn train` teaches it that" in second


def test_a_shop_with_nobody_to_score_when_the_holdout_begins_has_no_backtest_and_says_so(shop):
    office, _ = shop
    with undone(office) as connection:
        connection.execute(sa.text("delete from ops.models where kind = 'clv'"))
        gap = {"from": AS_OF - timedelta(days=460), "to": AS_OF - timedelta(days=340)}
        connection.execute(sa.text("delete from staging.payments where paid_date >= :from and paid_date < :to"), gap)
        fitted = fit_clv(connection, office.settings, as_of=AS_OF)
        assert fitted.backtest is None
        assert any("No backtest of CLV: A backtest of CLV needs" in note for note in fitted.new.details["notes"])
        assert fitted.new.details["parameters"]["level_sd"] == refits.LEVEL_SD


def test_a_shop_with_hardly_a_repeat_buyer_is_published_without_clv_and_told_what_is_missing(
    make_template: MakeTemplate, server_home: Path, tmp_path: Path
):
    source = copied(server_home, make_template("company_source", fill_source))
    warehouse = copied(server_home, make_template("migrated_for_clv", _migrated))
    office = Office(tmp_path, source, warehouse)
    office.configure(churn__definition="inactivity", churn__inactivity_days=60)
    office.change_source(
        "delete from public.payments where customer_id not in "
        "(select min(customer_id) from public.payments group by right(customer_id, 1) limit 5) and payment_id not in "
        "(select max(payment_id) from public.payments where paid_at < :until and amount > 0 group by customer_id)",
        until=night_of(AS_OF) - timedelta(days=2),
    )
    summary = office.nightly()
    (note,) = [note for note in summary.notes if "CLV could not be fitted" in note]
    assert "needs at least 10 customers who bought again" in note
    assert "Load more history, or wait until customers have come back." in note
    assert any("nobody has a CLV" in note for note in summary.notes)
    rows = office.rows("select * from bi.customer_scores")
    assert rows
    assert {(row["clv"], row["clv_low"], row["value_tier"], row["value_at_risk"]) for row in rows} == {(None,) * 4}
    totals = office.rows("select * from bi.clv_totals where dimension = 'all'")
    assert [(row["customers"], row["clv"], row["clv_low"]) for row in totals] == [(len(rows), 0, None)]
    listed = office.rows(
        "select a.priority_rank, s.risk_score from bi.at_risk_customers as a "
        "inner join bi.customer_scores as s on a.customer_id = s.customer_id order by a.priority_rank"
    )
    assert listed
    assert [row["risk_score"] for row in listed] == sorted((row["risk_score"] for row in listed), reverse=True)
    assert office.column("select status from bi.data_quality where severity = 'fail' and status = 'failed'") == []
    assert office.rows("select * from bi.clv_performance") == []
    dropped(server_home, source, warehouse)


def test_a_baseline_that_wins_is_told_by_training_and_by_the_night_and_can_be_chosen(shop):
    office, report = shop
    tested = {row["method"]: row for row in office.rows("select * from bi.clv_performance")}
    assert set(tested) == set(METHODS)
    assert tested["own_rate"]["is_best"]
    assert report.clv[0].startswith("CLV of purchases over 12 months: clv-")
    assert "nearest: each customer's own rate" in report.clv[1]
    wins = [note for note in report.notes if 'clv.method = "own_rate" in churn.toml chooses it' in note]
    assert len(wins) == 1
    later = AS_OF + timedelta(days=1)
    assert wins[0] in office.nightly(later).notes
    office.configure(
        churn__definition="inactivity", churn__inactivity_days=60, clv__horizon_months=12, clv__method="own_rate"
    )
    assert wins[0] not in office.nightly(later).notes
    assert office.column("select method from bi.clv_performance where is_used") == ["own_rate"]
    printed = show(office, "models", "show", office.value(CLV_MODEL))
    assert "purchases.alpha_days" in printed
    assert "each customer's own rate (nearest)" in printed
