"""The demo touches nothing that it did not make."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from churn.demo.run import run_demo
from churn.errors import ConfigError
from churn.progress import Silence


def _run(folder):
    run_demo(
        folder,
        customers=200,
        seed=1,
        as_of=date(2025, 6, 30),
        clock=lambda: datetime(2025, 6, 30, 4, tzinfo=UTC),
        progress=Silence(),
    )


@pytest.mark.parametrize("section", ["SOURCE", "WAREHOUSE"])
def test_the_demo_refuses_databases_that_the_environment_points_at(tmp_path, monkeypatch, section):
    monkeypatch.setenv(f"CHURN_{section}__URL", "postgresql://someone:hunter2@127.0.0.1:1/real")
    with pytest.raises(ConfigError, match=f"CHURN_{section}__URL") as caught:
        _run(tmp_path)
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / ".churn").exists()


def test_the_demo_leaves_a_churn_toml_alone_that_is_not_its_own(tmp_path):
    (tmp_path / "churn.toml").write_text("# mine\n")
    with pytest.raises(ConfigError, match="left alone"):
        _run(tmp_path)
    assert (tmp_path / "churn.toml").read_text() == "# mine\n"
