"""`make bench` and `make evaluate` on a company of a few hundred customers: they run, and their figures are sound."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import evaluate, night
from benchmarks.place import HEAD
from benchmarks.truth import TRUTH, agreement, expected_auc, with_truth
from churn.errors import ConfigError
from churn.pipeline import STAGES
from churn.risk import Predictions


def _cells(text: str, first: str) -> list[str]:
    """Return the cells of the only row that begins with `first`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.slow
def test_the_bench_prints_every_stage_of_a_night_beside_its_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "bench"

    assert night.main(["--customers", "1500", "--nights", "1", "--home", str(home)]) == 0

    text = capsys.readouterr().out
    for stage in STAGES:
        assert float(_cells(text, stage)[1]) >= 0
    floors = {stage: float(_cells(text, stage)[2]) for stage in ("extract", "features", "risk", "retention")}
    seconds, floor, ratio = (float(cell) for cell in _cells(text, "**night**")[1:4])
    assert all(floors.values())
    assert floor == pytest.approx(sum(floors.values()), abs=0.021)
    assert ratio == pytest.approx(seconds / floor, rel=0.1)
    assert "naive over ours" in text
    assert "No model" not in text
    assert not home.exists()


@pytest.mark.slow
def test_the_evaluation_judges_every_predictor_and_the_truth_on_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "evaluate"

    assert evaluate.main(["--customers", "1500", "--home", str(home)]) == 0

    text = capsys.readouterr().out
    figures, beside = text.split("## Beside the true probabilities")
    auc = {
        name: float(_cells(figures, name)[1])
        for name in ("model", "logistic regression", "recency", "base rate", "true probability")
    }
    assert auc["base rate"] == 0.5
    assert auc["true probability"] == max(auc.values())
    assert float(_cells(beside, "true probability")[-2]) == 0
    verdict = beside.split("## Verdict")[1].split("##")[0]
    assert verdict.count("ahead of") == 3
    assert "calibration slope" in verdict
    assert not home.exists()


def test_a_folder_with_a_postgres_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".churn").mkdir()
    (tmp_path / "churn.toml").write_text("[source]\n")

    assert evaluate.main(["--customers", "300", "--home", str(tmp_path)]) == ConfigError.exit_code

    assert (tmp_path / ".churn").is_dir()
    assert HEAD not in (tmp_path / "churn.toml").read_text()


def test_the_environment_cannot_turn_a_benchmark_to_another_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHURN_WAREHOUSE__URL", "postgresql://nobody@192.0.2.1/production")

    assert night.main(["--customers", "300", "--home", str(tmp_path / "bench")]) == ConfigError.exit_code

    assert "CHURN_WAREHOUSE__URL" in capsys.readouterr().err


# --- figures against the truth ------------------------------------------------------------------------------------


def test_the_expected_auc_is_that_over_every_pair_of_rows() -> None:
    random = np.random.default_rng(3)
    p = random.uniform(0.01, 0.6, 40)
    score = np.round(p + random.normal(0, 0.2, 40), 1)
    ordered = pairs = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                weight = p[i] * (1 - p[j])
                pairs += weight
                ordered += weight * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)

    assert expected_auc(score, p) == pytest.approx(ordered / pairs, rel=1e-12)
    assert expected_auc(np.zeros(40), p) == pytest.approx(0.5, rel=1e-12)


def test_the_truth_agrees_with_itself_and_a_shuffled_one_does_not() -> None:
    p = np.random.default_rng(4).uniform(0, 0.5, 1000)
    itself, other = agreement(p, p, p), agreement(p[::-1], p[::-1], p)

    assert itself.top_decile_share == itself.true_observed_expected == pytest.approx(1)
    assert itself.mean_absolute_gap == 0
    assert itself.rank_correlation == pytest.approx(1)
    assert other.top_decile_share < 0.7
    assert other.mean_absolute_gap > 0.1


def test_true_probabilities_are_found_by_customer_and_month() -> None:
    days = [date(2025, 1, 1).toordinal(), date(2025, 2, 1).toordinal()]
    predictions = Predictions(
        np.repeat(np.array(days), 2),
        np.array([1, 2, 1, 2]),
        np.array([True, False, False, True]),
        {"model": np.arange(4.0)},
        {"model": np.full(4, 0.5)},
    )

    def truth(as_of: date) -> pd.DataFrame:
        return pd.DataFrame({"customer_id": ["b", "a"], "churn_probability": [as_of.month / 10, as_of.month / 100]})

    found = with_truth(predictions, truth, {1: "a", 2: "b"})

    assert found.probability[TRUTH].tolist() == [0.01, 0.1, 0.02, 0.2]
    assert list(found.score) == ["model", TRUTH]
    with pytest.raises(KeyError):
        with_truth(predictions, truth, {1: "a", 2: "c"})
