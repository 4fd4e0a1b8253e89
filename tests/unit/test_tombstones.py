"""The key that recognises who was forgotten: made once, private, never shown; digests that match exactly."""

from __future__ import annotations

import hmac
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from churn.config import Settings
from churn.errors import ConfigError
from churn.tombstones import ForgetKey, Tombstones, key_for_forgetting

KEY = "k" * 32


class NobodyForgotten:
    """A warehouse without a tombstone."""

    def execute(self, _query: object) -> NobodyForgotten:
        return self

    def all(self) -> list[object]:
        return []


def settings(folder: Path, **forget: object) -> Settings:
    return Settings(forget=forget).model_copy(update={"base_dir": folder})


def made(folder: Path, **forget: object) -> ForgetKey:
    return key_for_forgetting(NobodyForgotten(), settings(folder, **forget))  # type: ignore[arg-type]


def test_the_key_is_made_at_first_use_for_its_owner_alone_and_stays_the_same(tmp_path: Path) -> None:
    key = made(tmp_path)
    path = tmp_path / ".churn" / "forget.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text("ascii").strip()) == 64
    assert made(tmp_path) == key


def test_a_key_file_of_its_own_place_is_made_there(tmp_path: Path) -> None:
    made(tmp_path, key_file=Path("secret/of.key"))
    assert stat.S_IMODE((tmp_path / "secret" / "of.key").stat().st_mode) == 0o600
    assert not (tmp_path / ".churn").exists()


def test_a_configured_key_makes_no_file(tmp_path: Path) -> None:
    key = made(tmp_path, key=SecretStr(KEY))
    assert key == ForgetKey(KEY.encode())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    made(tmp_path)
    path = tmp_path / ".churn" / "forget.key"
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        made(tmp_path)
    assert path.read_text("ascii").strip() not in str(caught.value)


def test_a_short_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shorter than 32") as caught:
        made(tmp_path, key=SecretStr("too-short-a-key"))
    assert "too-short-a-key" not in str(caught.value)


def test_the_key_is_in_no_representation() -> None:
    key = ForgetKey(KEY.encode())
    assert KEY not in repr(key)
    assert KEY not in repr(Tombstones(key, frozenset()))


def test_a_digest_is_the_hmac_of_the_id_and_no_id_has_the_digest_of_the_mark() -> None:
    key = ForgetKey(KEY.encode())
    assert key.digest("Zoë-7") == hmac.new(KEY.encode(), b"\x00" + "Zoë-7".encode(), "sha256").digest()
    assert key.digest("churn: key of the forgotten") != key.mark


def test_only_the_very_same_id_is_forgotten() -> None:
    key = ForgetKey(KEY.encode())
    known = Tombstones(key, frozenset({key.digest("C-1"), key.digest("c2")}))
    assert known.forgotten(["C-1", "C-10", "c-1", "C-1 ", "c2", "", "C-1"]) == ["C-1", "c2", "C-1"]


@pytest.mark.parametrize(
    ("value", "is_named"),
    [
        ("CUST-77", True),
        (" CUST-77 ", True),
        ("friend of CUST-77.", True),
        ("CUST-77, CUST-8", True),
        ("CUST-77-EU", False),
        ("CUST-771", False),
        ("10427", True),
        ("10427 Berlin", False),
        ("C-7", True),
        ("7", False),
        ("all", False),
    ],
)
def test_a_value_names_who_was_forgotten_where_it_can_mean_nothing_else(value: str, is_named: bool) -> None:
    key = ForgetKey(KEY.encode())
    stones = Tombstones(key, frozenset(key.digest(one) for one in ("CUST-77", "10427", "C-7", "7", "all")))
    assert stones.naming([value, "other"]) == [value] * is_named
