"""`make evaluate` on companies of a few hundred customers: it runs, and its verdicts are sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import evaluate, insight_claims
from benchmarks.campaign_gain import LIST_SIZE
from benchmarks.place import HEAD
from churn.errors import ConfigError, UsageError
from tests.e2e.bench_text import cells_of


@pytest.mark.slow
def test_the_evaluation_prints_every_part_with_its_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "evaluate"
    small = "--seeds 7 --ceiling-seeds 101 --customers 1000 --ceiling-rows 6000 --trials 2 --trial-rows 5000 --clean 2"
    arguments = [*small.split(), "--home", str(home), "--parts", "ceiling,realised,permuted,leaks"]

    assert evaluate.main(arguments) == 0

    text = capsys.readouterr().out
    verdict = text.split("## Verdict")[1].split("##")[0]
    for words in (
        "of the ceiling's",
        "calibration slope",
        "observed/expected",
        "prediction intervals",
        "permuted 2 times",
    ):
        assert words in verdict
    assert verdict.count("ahead of") == 3
    assert "holds: nothing is named in 2 of 2 clean companies" in verdict
    assert verdict.count("named in 1 of 1 companies") == 4
    beside = text.split("AUC, expected; seed")[1].split("\n\n")[0]
    model, ceiling, logistic, truth, share = (float(cell) for cell in cells_of(beside, "7")[1:])
    assert 0.5 < max(model, logistic) < truth
    assert share == pytest.approx((model - 0.5) / (ceiling - 0.5), abs=0.01)
    assert cells_of(text, "observed expected")[4].endswith(" of 12")
    assert not (home / ".churn").exists()
    assert len(list((home / "cache").glob("company-*.npz"))) == 2


def test_what_nights_claim_is_judged_where_nothing_changes_and_where_something_was_planted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight_claims, "_WORLDS", 1)
    home = str(tmp_path / "evaluate")
    assert evaluate.main(["--parts", "insights", "--nights", "60", "--home", home]) == 0
    verdict = capsys.readouterr().out.split("## Verdict")[1]
    assert "of 60 nights in which nothing changes" in verdict
    assert verdict.count("found in 1 of 1 companies") == 3


@pytest.mark.slow
def test_the_list_by_net_value_earns_more_and_a_campaigns_interval_holds_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = "--campaigns 2 --campaign-customers 1000 --reassignments 200"

    assert evaluate.main([*size.split(), "--home", str(tmp_path / "evaluate"), "--parts", "campaigns"]) == 0

    text = capsys.readouterr().out
    assert "the list by expected net value earns" in text.split("## Verdict")[1]
    earned = text.split("## Lists and campaigns")[1].split("| seed | listed")[0]
    for seed in ("501", "502"):
        _, listed, by_value, by_probability, gain, best = (
            float(cell.replace(",", "")) for cell in cells_of(earned, seed)[1:]
        )
        assert 0 < listed <= LIST_SIZE
        assert by_probability < by_value < best
        assert gain == pytest.approx(by_value - by_probability, abs=1.01)
    assert "over 200 reassignments of each of 4 lists" in text
    held = [float(line.split("|")[5].strip(" %")) for line in text.splitlines() if " 10% |" in line or " 50% |" in line]
    assert len(held) == 4
    assert all(90 <= share <= 99.5 for share in held)


def test_the_document_is_written_only_whole(tmp_path: Path) -> None:
    assert evaluate.main(["--parts", "permuted", "--write", "--home", str(tmp_path)]) == UsageError.exit_code


def test_a_folder_with_a_postgres_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".churn").mkdir()
    (tmp_path / "churn.toml").write_text("[source]\n")

    assert evaluate.main(["--customers", "300", "--home", str(tmp_path)]) == ConfigError.exit_code

    assert (tmp_path / ".churn").is_dir()
    assert HEAD not in (tmp_path / "churn.toml").read_text()
