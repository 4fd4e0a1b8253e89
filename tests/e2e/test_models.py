"""The registry as people use it: the job's models, `churn models`, and models that no night may be scored by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from churn.doctor import examine
from churn.errors import ModelError
from churn.pipeline import run_train
from churn.training import TrainingReport
from tests.e2e.bad_input_source import run_churn
from tests.e2e.company import AS_OF, LIST_SIZE, Office, dropped, night_of
from tests.e2e.conftest import MakeOffice

CHAMPION = "select model_version from ops.models where kind = 'churn' and status = 'champion'"
EVENTS = "select event || ' ' || model_version from ops.model_events where kind = 'churn' order by event_id"


@pytest.fixture(scope="module")
def two_models(make_office: MakeOffice, server_home: Path) -> Iterator[tuple[Office, str, str]]:
    """An office whose second model was promoted by hand; with the versions of both."""
    office = make_office()
    first = office.value(CHAMPION)
    second = promoted_again(office)
    yield office, first, second
    dropped(server_home, office.source_url, office.warehouse_url)


def trained_again(office: Office) -> TrainingReport:
    """Train with another seed: as good a model, but not the same bytes."""
    office.configure(**{"train.seed": 11})
    return run_train(office.job(now=night_of(AS_OF) + timedelta(hours=2)))


def promoted_again(office: Office) -> str:
    """Train a second model, which knows no later labels than the first, and put it in use by hand."""
    report = trained_again(office)
    assert not report.promoted
    assert churn(office, "models", "promote", report.model_version, "--reason", "second")[1] == 0
    return report.model_version


def churn(office: Office, *words: str) -> tuple[str, int]:
    """Run a command as a user types it; what it printed and its exit code."""
    outcome = run_churn("--config", str(office.config), *words)
    return outcome.out + outcome.err, outcome.code


def damage(office: Office, version: str) -> None:
    """Flip one byte in the middle of a stored model."""
    office.change_warehouse(
        "update ops.models set artifact = overlay(artifact placing "
        "case when substr(artifact, 2000, 1) = '1' then '2' else '1' end from 2000 for 1) "
        "where model_version = :version",
        version=version,
    )


def redefine(office: Office, feature: str) -> None:
    """Let every kept snapshot say that a feature was computed by other SQL."""
    office.change_warehouse(
        "update ops.feature_sets set definitions = definitions || jsonb_build_object(cast(:name as text), 'other')",
        name=feature,
    )


# --- what training leaves -----------------------------------------------------------------------------------------


def test_every_figure_of_the_first_model_is_published_in_total_and_per_segment(published: Office):
    (version,) = published.column("select distinct model_version from bi.model_figures")
    assert version == published.value(CHAMPION)
    predictors = published.column("select distinct predictor from bi.model_figures where segment = 'all' order by 1")
    assert predictors == ["base_rate", "logistic_regression", "model", "recency"]
    segments = published.column("select distinct segment from bi.model_figures where segment <> 'all'")
    assert set(segments) <= set(published.column("select distinct segment from bi.customer_scores"))
    assert segments
    without_interval = published.column(
        "select distinct figure from bi.model_figures where segment = 'all' and predictor = 'model' "
        "and value is not null and low is null"
    )
    assert set(without_interval) <= {"ece", "ece_perfect_p95"}


def test_the_threshold_in_use_is_marked_in_the_trade_off_and_is_the_one_of_the_figures(published: Office):
    chosen = published.rows(
        "select kind, cutoff, expected_net_value from bi.threshold_tradeoff where is_chosen and segment = 'all'"
    )
    assert [row["kind"] for row in chosen] == ["threshold"]
    assert chosen[0]["cutoff"] == pytest.approx(published.value("select threshold from bi.model_performance"))
    assert chosen[0]["expected_net_value"] is not None
    sizes = published.column("select cutoff from bi.threshold_tradeoff where kind = 'list_size' and segment = 'all'")
    assert LIST_SIZE in sizes


def test_calibration_and_curves_are_there_to_be_drawn(published: Office):
    bins = published.rows("select * from bi.calibration where segment = 'all' order by bin")
    assert [row["bin"] for row in bins] == list(range(1, len(bins) + 1))
    assert all(row["observed_low"] - 1e-9 <= row["observed"] <= row["observed_high"] + 1e-9 for row in bins)
    assert sum(row["customers"] for row in bins) == published.value("select customer_months from bi.model_performance")
    curves = published.column("select distinct curve from bi.model_curves where segment = 'all' order by 1")
    assert curves == ["lift", "pr", "roc"]


def test_the_registry_keeps_what_it_takes_to_know_a_model(published: Office):
    details = published.value("select details from ops.models where kind = 'churn'")
    assert set(details["definitions"]) == set(details["features"])
    assert {"churn", "lightgbm", "numpy", "scikit-learn"} <= set(details["versions"])
    assert sum(details["snapshots"].values()) == len(details["snapshot_dates"]) > 0
    assert details["terms"]["contact_cost"] == published.settings.retention.contact_cost
    assert details["threshold"] == published.value("select threshold from ops.model_performance")
    assert details["parameters"]["seed"] == published.settings.train.seed
    assert details["expected"]
    assert details["data"]["treated_left_out"] == 0


def test_segments_and_values_that_training_needed_first_are_in_use_at_night(published: Office):
    actors = published.rows("select kind, actor from ops.model_events where event = 'promoted' and kind <> 'churn'")
    assert {row["kind"] for row in actors} == {"segments", "clv"}
    assert {row["actor"].split(",")[0] for row in actors} == {"churn train"}


# --- the same again -----------------------------------------------------------------------------------------------


def test_the_same_data_give_the_same_model_and_change_nothing(office: Office):
    before = office.rows("select model_version, sha256, status, created_at from ops.models order by 1")
    events, figures = office.column(EVENTS), office.rows("select * from ops.performance_figures order by 1, 2, 3, 4, 5")
    office.configure(**{"train.min_churners": 49})
    report = run_train(office.job(now=night_of(AS_OF) + timedelta(hours=2)))
    assert not report.promoted
    assert "the same model, which is in use already" in report.notes[-1]
    assert office.rows("select model_version, sha256, status, created_at from ops.models order by 1") == before
    assert office.column(EVENTS) == events
    assert office.rows("select * from ops.performance_figures order by 1, 2, 3, 4, 5") == figures


# --- promotion and rollback ---------------------------------------------------------------------------------------


def test_the_list_shows_both_models_and_why(two_models: tuple[Office, str, str]):
    office, first, second = two_models
    printed, code = churn(office, "models", "list")
    assert code == 0
    assert first in printed
    assert second in printed
    assert "retired" in printed
    assert "Promoted" in printed


def test_a_model_is_shown_with_its_baselines_and_its_history(two_models: tuple[Office, str, str]):
    office, first, second = two_models
    printed, code = churn(office, "models", "show", first)
    assert code == 0
    assert "logistic regression" in printed
    assert f"followed by {second}" in " ".join(printed.split())
    assert churn(office, "models", "show")[0].startswith(second)


def test_the_card_of_a_trained_model_says_everything_that_it_promises(two_models: tuple[Office, str, str]):
    office, _, second = two_models
    card, code = churn(office, "models", "show", "--card")
    assert code == 0
    assert card.startswith(f"# Model card: {second}\n")
    assert "None" not in card
    assert "nan" not in card.split("## Limits")[0]
    for part in ("In short", "Data", "Method", "Figures", "Limits", "Fairness", "How to read a reason"):
        assert f"\n## {part}\n" in card


def test_an_unknown_model_ends_with_its_exit_code_and_what_to_do(two_models: tuple[Office, str, str]):
    printed, code = churn(two_models[0], "models", "show", "churn-20200101-00000000")
    assert code == ModelError.exit_code
    assert "`churn models list`" in printed


def test_a_rollback_is_kept_with_who_and_why_and_training_does_not_undo_it(office: Office):
    first = office.value(CHAMPION)
    second = promoted_again(office)
    printed, code = churn(office, "models", "rollback", "--reason", "complaints")
    assert (code, office.value(CHAMPION)) == (0, first)
    assert f"{first} is in use again" in printed
    told = office.rows("select event, actor, reason from ops.model_events where model_version = :v", v=second)[-1]
    assert (told["event"], told["reason"]) == ("rolled_back", "complaints")
    assert told["actor"]
    again = trained_again(office)
    assert (again.model_version, again.promoted, office.value(CHAMPION)) == (second, False, first)
    assert "rolled back (complaints)" in again.notes[-1]
    printed, code = churn(office, "models", "promote", second, "--reason", "mended the data")
    assert (code, office.value(CHAMPION)) == (0, second)
    assert office.value("select reason from ops.models where model_version = :v", v=second) == "mended the data"


def test_the_first_model_can_not_be_rolled_back(office: Office):
    first = office.value(CHAMPION)
    printed, code = churn(office, "models", "rollback")
    assert (code, office.value(CHAMPION)) == (ModelError.exit_code, first)
    assert f"no churn model before {first}" in printed


# --- models that no night may be scored by ------------------------------------------------------------------------


def test_a_flipped_byte_is_refused_by_the_night_the_doctor_and_a_promotion(office: Office):
    first = office.value(CHAMPION)
    second = promoted_again(office)
    damage(office, second)
    night = office.value("select run_id from ops.published")
    with pytest.raises(ModelError, match="damaged"):
        office.nightly()
    assert office.value("select run_id from ops.published") == night
    findings = [found for found in examine(office.settings, night_of(AS_OF)) if found.what.startswith("model")]
    assert [(found.status, found.exit_code) for found in findings] == [("fail", ModelError.exit_code)]
    assert churn(office, "models", "rollback")[1] == 0
    assert office.value(CHAMPION) == first
    office.nightly()
    events = office.column(EVENTS)
    printed, code = churn(office, "models", "promote", second, "--reason", "hope")
    assert (code, office.value(CHAMPION), office.column(EVENTS)) == (ModelError.exit_code, first, events)
    assert "damaged" in printed


def test_a_redefined_feature_is_refused_before_anybody_is_scored_and_named(office: Office):
    feature = office.value("select details -> 'features' ->> 0 from ops.models where kind = 'churn'")
    office.change_warehouse("truncate scores.attempt_risk")
    redefine(office, feature)
    with pytest.raises(ModelError, match=feature) as caught:
        office.nightly()
    assert caught.value.exit_code == 14
    assert office.value("select count(*) from scores.attempt_risk") == 0
    first = office.value(CHAMPION)
    office.change_warehouse("update ops.models set status = 'challenger' where model_version = :v", v=first)
    printed, code = churn(office, "models", "promote", first, "--reason", "hope")
    assert code == 14
    assert feature in printed
    assert office.column(CHAMPION) == []


def test_a_night_is_not_scored_by_a_model_of_another_churn(office: Office):
    first, night = office.value(CHAMPION), office.value("select run_id from ops.published")
    office.configure(**{"churn.grace_days": 7})
    with pytest.raises(ModelError, match="grace_days was 14 and is 7 now") as caught:
        office.nightly()
    assert caught.value.exit_code == 14
    assert "churn train" in caught.value.hint
    assert office.value("select run_id from ops.published") == night
    office.change_warehouse("update ops.models set status = 'challenger' where model_version = :v", v=first)
    printed, code = churn(office, "models", "promote", first, "--reason", "hope")
    assert (code, office.column(CHAMPION)) == (14, [])
    assert "grace_days" in printed


def test_models_of_segments_are_listed_but_not_promoted(published: Office):
    (version,) = published.column("select model_version from ops.models where kind = 'segments'")
    assert version in churn(published, "models", "list", "--kind", "segments")[0]
    assert churn(published, "models", "promote", version, "--reason", "why not")[1] == ModelError.exit_code
