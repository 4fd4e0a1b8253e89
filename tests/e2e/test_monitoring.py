"""A night against what became of it, and a night that no longer looks like what its model learned from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn.cli import main
from churn.errors import ChecksFailedError
from churn.migrate import migrate
from churn.pipeline import run_train
from churn.previews import preview_nightly
from churn.retention import TREATMENT
from churn.status import status_lines
from churn.warehouse import open_database
from tests.conftest import MakeTemplate
from tests.e2e.company import AS_OF, LIST_SIZE, Office, copied, dropped, fill_source, night_of

TRAINED = date(2025, 9, 15)
FIRST = date(2025, 9, 16)
FEED_STOPPED = date(2025, 9, 20)
FIGURES = ["auc_roc", "calibration_slope", "lift_top_decile", "observed_expected"]


@pytest.fixture(scope="module")
def office(
    make_template: MakeTemplate, server_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Trained in time for a night in September that has been published; now it is November."""
    source = make_template("company_source", fill_source)
    empty = make_template("empty_warehouse", lambda _: None)
    made = Office(tmp_path_factory.mktemp("office"), copied(server_home, source), copied(server_home, empty))
    made.configure()
    database = open_database(made.warehouse_url, "warehouse")
    migrate(database, made.settings.roles)
    database.dispose()
    assert run_train(made.job(TRAINED, now=night_of(TRAINED))).promoted
    made.nightly(FIRST, now=night_of(FIRST))
    yield made
    dropped(server_home, made.source_url, made.warehouse_url)


def status(office: Office, word: str) -> str:
    (line,) = [line for line in status_lines(office.settings, night_of(AS_OF)) if line.startswith(f"{word}:")]
    return line


def test_the_outcome_of_a_night_is_not_known_before_its_horizon_and_grace_have_passed(office: Office) -> None:
    assert office.value("select in_sample from ops.published") is False
    office.nightly(FIRST, now=night_of(AS_OF))
    assert office.rows("select * from bi.realised_performance") == []
    assert "nothing yet" in status(office, "Realised")


def test_a_feed_that_has_stopped_stops_publication_and_its_features_are_never_scored_again(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    before = office.shown()
    mapping = office.folder / "source" / "usage_events.sql"
    select = mapping.read_text(encoding="utf-8")
    mapping.write_text(f"{select} and e.occurred_at < date '{FEED_STOPPED}'", encoding="utf-8")
    office.tell(night_of(AS_OF))
    with pytest.raises(SystemExit) as stopped:
        main(["nightly", "--as-of", AS_OF.isoformat(), "--config", str(office.config)])
    mapping.write_text(select, encoding="utf-8")
    assert stopped.value.code == ChecksFailedError.exit_code == 16
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("churn: Checks failed, nothing was published: feature_drift_score: 1 problems")
    assert "days_since_last_usage" in message
    assert "churn train" in message
    assert office.shown() == before
    assert f"from those of {FIRST}, PSI" in message
    assert "raise monitoring.psi_fail" in message
    assert "features: would compute a snapshot" in "; ".join(preview_nightly(office.job()))
    assert office.rows("select * from ops.realised_nights") == []


def test_the_next_night_says_what_became_of_the_first(office: Office) -> None:
    assert "monitoring: would compare 1 past nights with what became of them" in preview_nightly(office.job())
    run_id = office.nightly().run_id
    made_by = office.column("select run_id from ops.snapshots where is_current and as_of_date = :as_of", as_of=AS_OF)
    assert made_by == [run_id]
    found = office.rows("select * from bi.realised_performance order by figure")
    assert [row["figure"] for row in found] == FIGURES
    assert {(row["as_of_date"], row["evaluated_run_id"]) for row in found} == {(FIRST, run_id)}
    assert {row["status"] for row in found} == {"inside"}
    assert all(row["low"] < row["value"] < row["high"] for row in found)
    assert status(office, "Realised") == f"Realised: the night of {FIRST} turned out as expected."


def test_the_treated_are_left_out(office: Office) -> None:
    row = office.rows("select distinct customers, treated_left_out from bi.realised_performance")[0]
    arms = office.column("select campaign_group from scores.at_risk_list where as_of_date = :as_of", as_of=FIRST)
    assert len(arms) == LIST_SIZE
    assert row["treated_left_out"] == arms.count(TREATMENT) > 0
    scored = office.value("select count(*) from scores.customer_scores where as_of_date = :as_of", as_of=FIRST)
    assert row["customers"] == scored - row["treated_left_out"]


def test_realised_figures_stand_beside_those_of_the_test(office: Office) -> None:
    version = office.value("select distinct model_version from bi.realised_performance")
    performance = {
        row["evaluation"]: row
        for row in office.rows("select * from bi.model_performance where model_version = :version", version=version)
    }
    realised, tested = performance["realised"], performance["out_of_time"]
    assert (realised["from_as_of_date"], realised["to_as_of_date"]) == (FIRST, FIRST)
    assert realised["auc_roc_low"] < realised["auc_roc"] < realised["auc_roc_high"]
    assert realised["threshold"] == tested["threshold"]
    assert 0.4 < realised["baseline_auc"] < 1
    for view in ("calibration", "model_curves"):
        assert office.rows(f"select * from bi.{view} where evaluation = 'realised'")


def test_a_rerun_adds_nothing_and_moves_nothing(office: Office) -> None:
    before = office.shown()
    office.nightly(now=night_of(AS_OF) + timedelta(hours=3))
    assert office.shown() == before


def test_every_feature_of_the_model_is_watched(office: Office) -> None:
    drifts = {
        row["feature"]: row for row in office.rows("select * from bi.feature_drift where as_of_date = :d", d=AS_OF)
    }
    features = office.value("select details -> 'features' from ops.models where status = 'champion' and kind = 'churn'")
    assert drifts.keys() == {*features, "churn_probability"}
    assert drifts["churn_probability"]["psi"] < 0.5
    assert all(row["psi"] is None or row["psi"] >= 0 for row in drifts.values())
    assert status(office, "Drift").startswith(f"Drift: of {len(drifts)} features and scores")
