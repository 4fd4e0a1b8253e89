"""`make bench` on a company of a few hundred customers: it runs, and its figures are sound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import night
from churn.errors import ConfigError
from churn.pipeline import STAGES
from tests.e2e.bench_text import cells_of


@pytest.mark.slow
def test_the_bench_prints_every_stage_of_a_night_beside_its_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "bench"

    size = ["--customers", "800", "--nights", "1", "--train-rows", "7000", "--clv-customers", "1500",
            "--views-customers", "300"]  # fmt: skip
    assert night.main([*size, "--home", str(home)]) == 0

    text = capsys.readouterr().out
    for stage in STAGES:
        assert float(cells_of(text, stage)[1]) >= 0
    floors = {stage: float(cells_of(text, stage)[2]) for stage in ("extract", "features", "risk", "retention")}
    seconds, floor, ratio = (float(cell) for cell in cells_of(text, "**night**")[1:4])
    assert floor == pytest.approx(sum(floors.values()), abs=0.021)
    assert floor > 0
    assert (seconds - 0.005) / (floor + 0.005) <= ratio + 0.05, "what is printed is rounded to hundredths"
    assert ratio - 0.05 <= (seconds + 0.005) / (floor - 0.005)
    assert "naive over ours" in text
    assert "training takes" in text.split("## Verdict")[1]
    assert "faster than lifetimes" in text.split("## Verdict")[1]
    assert float(cells_of(text, "bi.customer_scores, one customer")[1]) > 0
    assert "bi.at_risk_customers, tonight's list" in text.split("## Verdict")[1]
    alone, single = (
        float(cells_of(text, f"lightgbm.train on the matrix, threads: {n}")[1]) for n in (os.cpu_count(), 1)
    )
    assert min(alone, single) >= 0
    assert "No model" not in text
    assert not home.exists()


def test_the_environment_cannot_turn_a_benchmark_to_another_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHURN_WAREHOUSE__URL", "postgresql://nobody@192.0.2.1/production")

    assert night.main(["--customers", "300", "--home", str(tmp_path / "bench")]) == ConfigError.exit_code

    assert "CHURN_WAREHOUSE__URL" in capsys.readouterr().err
