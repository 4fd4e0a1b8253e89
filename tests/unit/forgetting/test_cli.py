"""`churn forget` asks on a terminal, and only there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from churn import forgetting
from churn.cli_forget import forget
from churn.edge import options
from churn.errors import UsageError
from churn.forgetting import Forgotten
from churn.init import render_config

DONE = Forgotten(True, {"staging.customers": 3}, 64, "0123456789ab", (), ())


@pytest.fixture
def erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids that were erased."""
    (tmp_path / "churn.toml").write_text(render_config({}), encoding="utf-8")
    monkeypatch.setattr(options, "config", tmp_path / "churn.toml")
    found: list[str] = []

    def erase(_job: Any, customer_id: str) -> Forgotten:
        found.append(customer_id)
        return DONE

    monkeypatch.setattr(forgetting, "forget", erase)
    return found


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool | None) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: answer)


@pytest.mark.parametrize(("answer", "is_erased"), [(True, True), (False, False)])
def test_it_asks_on_a_terminal(erased: list[str], monkeypatch: pytest.MonkeyPatch, answer: bool, is_erased: bool):
    on_a_terminal(monkeypatch, answer)
    if is_erased:
        forget("c1")
    else:
        with pytest.raises(UsageError, match="Nothing was erased"):
            forget("c1")
    assert erased == ["c1"] * is_erased


def test_yes_answers_for_a_script(
    erased: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, None)
    forget("c-secret-1", yes=True)
    assert erased == ["c-secret-1"]
    told = capsys.readouterr()
    assert "0123456789ab" in told.out
    assert "staging.customers          3" in told.out
    assert "c-secret-1" not in told.out + told.err
