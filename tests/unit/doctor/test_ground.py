"""What the doctor says without a database: disk, secrets, alerts; and of versions and clocks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from churn.config import Settings
from churn.doctor import Finding
from churn.doctor.findings import _clock, _encryption, _version, guarded
from churn.doctor.ground import ground_findings
from churn.errors import WarehouseError
from tests.alert_servers import mailbox, webhook

NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
PEOPLE = {"mail_from": "night@example.com", "mail_to": ("ada@example.com",), "smtp_tls": "none"}


def found(tmp_path: Path, word: str, **values: Any) -> list[Finding]:
    settings = Settings(**values).model_copy(update={"base_dir": tmp_path})
    return [finding for finding in ground_findings(settings) if finding.what.startswith(word)]


@pytest.mark.parametrize(("major", "status"), [(14, "warn"), (15, "ok"), (18, "ok"), (19, "warn")])
def test_versions_that_are_tested_are_good(major, status):
    assert _version("source", SimpleNamespace(version=f"{major}.1", major=major)).status == status


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (60, "ok"), (61, "warn"), (-61, "warn")])
def test_clocks_may_be_a_minute_apart(seconds, status):
    finding = _clock("source", NOW + timedelta(seconds=seconds), NOW)
    assert finding.status == status
    assert ("behind" in finding.what) == (seconds < -60)


def test_a_connection_over_the_network_is_to_be_encrypted():
    def of(is_encrypted: bool, is_remote: bool) -> str:
        session = SimpleNamespace(is_encrypted=is_encrypted, is_remote=is_remote, tls_version="TLSv1.3")
        return _encryption("source", session).status

    assert [of(False, True), of(False, False), of(True, True)] == ["warn", "ok", "ok"]


def test_an_error_is_a_finding_with_its_mend_and_code():
    def look() -> list[Finding]:
        raise WarehouseError("It is gone.", "Look for it.")

    assert guarded("warehouse", look) == [Finding("fail", "warehouse: It is gone.", "Look for it.", 15)]


def test_the_disk_of_the_embedded_postgres_is_looked_at(tmp_path, monkeypatch):
    assert found(tmp_path, "disk", warehouse={"url": "postgresql://u:p@db/w"}) == []
    for free, status in ((1024**3, "warn"), (9 * 1024**3, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        (finding,) = found(tmp_path, "disk")
        assert finding.status == status


@pytest.mark.parametrize(
    ("url", "mode", "warned"),
    [("postgresql://u:word@db/w", 0o644, 1), ("postgresql://u:word@db/w", 0o600, 0), ("postgresql:///w", 0o644, 0)],
)
def test_a_configuration_with_a_password_is_for_its_owner_alone(tmp_path, url, mode, warned):
    file = tmp_path / "churn.toml"
    file.touch()
    file.chmod(mode)
    findings = [one for one in found(tmp_path, "configuration: /", warehouse={"url": url}) if "secret" in one.what]
    assert len(findings) == warned
    assert "word" not in str(findings)


# --- alerts -------------------------------------------------------------------------------------------------------


def test_nobody_to_tell_is_a_warning(tmp_path):
    (finding,) = found(tmp_path, "alerts")
    assert (finding.status, "nobody is told" in finding.what) == ("warn", True)


def test_servers_that_answer_are_good_and_get_nothing(tmp_path):
    with webhook() as hook, mailbox() as box:
        alerts = {"webhook_url": hook.url, "smtp_host": "127.0.0.1", "smtp_port": box.port, **PEOPLE}
        findings = found(tmp_path, "alerts", alerts=alerts)
    assert [finding.status for finding in findings] == ["ok", "ok"]
    assert (hook.posted, box.mails) == ([], [])
    assert "the-hook-secret" not in str(findings)


def test_servers_that_do_not_answer_are_warnings(tmp_path):
    alerts = {"webhook_url": "http://127.0.0.1:1/the-hook-secret", "smtp_host": "127.0.0.1", "smtp_port": 1, **PEOPLE}
    findings = found(tmp_path, "alerts", alerts=alerts)
    assert [finding.status for finding in findings] == ["warn", "warn"]
    assert all("Connection refused" in finding.what and finding.mend for finding in findings)
    assert "the-hook-secret" not in str(findings)


def test_a_webhook_behind_a_proxy_is_not_tried_directly(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    (finding,) = found(tmp_path, "alerts", alerts={"webhook_url": "https://no-such-host.invalid/x"})
    assert (finding.status, "proxy" in finding.what) == ("ok", True)


@pytest.mark.parametrize("side", ["source", "warehouse"])
def test_a_login_that_may_not_connect_is_told_the_grant(side):
    settings = Settings.model_validate({side: {"url": "postgresql://night%2Dclerk:pw@host/shop"}})

    def look() -> list[Finding]:
        raise WarehouseError('It can\'t be reached: FATAL:  permission denied for database "shop" DETAIL: x.', "Check.")

    (finding,) = guarded(side, look, settings)
    assert finding.mend == 'Let an administrator run: grant connect on database "shop" to night-clerk;'
