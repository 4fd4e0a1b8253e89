"""churn.toml and the environment: what is read, what is refused, what is never shown."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from churn.config import Settings, load_settings
from churn.errors import ConfigError
from churn.init import render_config, write_templates


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name in ("CHURN_SOURCE__URL", "CHURN_WAREHOUSE__URL"):
        monkeypatch.delenv(name, raising=False)

    def write(text: str) -> Path:
        file = tmp_path / "churn.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    for name in ("CHURN_SOURCE__URL", "CHURN_WAREHOUSE__URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_that_is_not_ours_is_refused(nowhere):
    with pytest.raises(ConfigError, match=r"There is no churn\.toml in ") as caught:
        load_settings()
    assert caught.value.exit_code == 10
    assert str(nowhere) in str(caught.value)
    assert "--config, or run `churn init`" in caught.value.hint
    assert list(nowhere.iterdir()) == []
    (nowhere / ".churn").mkdir()
    assert load_settings().home == nowhere / ".churn"


@pytest.mark.parametrize("name", ["CHURN_SOURCE__URL", "CHURN_WAREHOUSE__URL"])
def test_without_a_file_the_defaults_hold(nowhere, monkeypatch, name):
    tmp_path = nowhere
    monkeypatch.setenv(name, "postgresql://host/database")
    settings = load_settings()
    assert (settings.churn.definition, settings.churn.horizon_days) == ("contractual", 30)
    assert settings.home == tmp_path / ".churn"
    assert settings.sql_dir == tmp_path / "source"


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="no configuration file"):
        load_settings(tmp_path / "nowhere.toml")


def test_an_unknown_key_is_refused_with_the_nearest_known_one(config):
    with pytest.raises(ConfigError, match=r"churn\.horizon_dayz: unknown key; did you mean horizon_days\?") as caught:
        load_settings(config("[churn]\nhorizon_dayz = 30\n"))
    assert caught.value.exit_code == 10


@pytest.mark.parametrize(
    "text",
    [
        "[chrun]\nhorizon_days = 30\n",
        '[churn]\nhorizon_days = "soon"\n',
        "[churn]\nhorizon_days = 0\n",
        '[churn]\ndefinition = "vibes"\n',
        '[business]\ntimezone = "Mars/Olympus"\n',
        "[retention]\nholdout_share = 1.5\n",
        '[schedule]\nnightly = "at three"\n',
        '[[features.usage]]\nname = "Robert\'); drop table"\nevent_type = "x"\n',
        '[roles]\nbi_reader = "a;b"\n',
        "not toml at all",
        'base_dir = "/"\n',
    ],
)
def test_what_makes_no_sense_is_refused(config, text):
    with pytest.raises(ConfigError):
        load_settings(config(text))


def test_fewest_segments_above_most_are_refused_with_what_to_change(config):
    with pytest.raises(ConfigError, match=r"segments: fewest is 5 and most is 4: .* raise segments\.most"):
        load_settings(config("[segments]\nfewest = 5\nmost = 4\n"))
    assert load_settings(config("[segments]\nfewest = 4\nmost = 4\n")).segments.most == 4


def test_the_environment_wins_over_the_file(config, monkeypatch):
    monkeypatch.setenv("CHURN_SOURCE__URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("CHURN_CHURN__HORIZON_DAYS", "60")
    settings = load_settings(config('[source]\nurl = "postgresql://other"\n[churn]\nhorizon_days = 30\n'))
    assert settings.source.url is not None
    assert settings.source.url.get_secret_value() == "postgresql://u:secret@h/d"
    assert settings.churn.horizon_days == 60


def test_an_environment_variable_of_an_unknown_section_is_refused(config, monkeypatch):
    monkeypatch.setenv("CHURN_SAUCE__URL", "postgresql://u:secret@h/d")
    with pytest.raises(ConfigError, match="CHURN_SAUCE__URL") as caught:
        load_settings(config(""))
    assert "secret" not in str(caught.value)


def test_a_secret_is_in_no_message_and_no_repr(config):
    text = '[source]\nurl = "postgresql://u:hunter2@h/d"\nurll = "postgresql://u:hunter2@h/d"\n'
    with pytest.raises(ConfigError) as caught:
        load_settings(config(text))
    assert "hunter2" not in str(caught.value)
    settings = load_settings(config('[source]\nurl = "postgresql://u:hunter2@h/d"\n'))
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_the_digest_tells_configurations_apart_but_not_passwords(config):
    one = load_settings(config('[source]\nurl = "postgresql://u:a@h/d"\n')).digest()
    other = load_settings(config('[source]\nurl = "postgresql://u:b@h/d"\n')).digest()
    longer = load_settings(config("[churn]\nhorizon_days = 60\n")).digest()
    assert one == other != longer


def test_inactivity_has_no_grace(config):
    settings = load_settings(config('[churn]\ndefinition = "inactivity"\ngrace_days = 14\n'))
    assert settings.grace_days == 0


def test_how_the_dashboard_is_shown_changes_no_night(config):
    settings = load_settings(config("[dashboard]\nport = 8000\ncache_seconds = 0\n"))
    assert settings.digest() == load_settings(config("")).digest()


def test_the_dashboards_token_may_come_from_a_file_and_is_checked_there(config, tmp_path):
    (tmp_path / "token").write_text("a-token-of-24-characters\n")
    (tmp_path / "short").write_text("hunter2\n")
    settings = load_settings(config("[dashboard]\ntoken_file = 'token'\n"))
    assert settings.dashboard.token is not None
    assert settings.dashboard.token.get_secret_value() == "a-token-of-24-characters"
    with pytest.raises(ConfigError, match="has 24 to") as refused:
        load_settings(config("[dashboard]\ntoken_file = 'short'\n"))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigError, match="both given"):
        load_settings(config("[dashboard]\ntoken_file = 'token'\ntoken = 'a-token-of-24-characters'\n"))


def test_init_writes_a_file_that_loads_as_the_defaults(tmp_path, monkeypatch):
    monkeypatch.delenv("CHURN_SOURCE__URL", raising=False)
    written = write_templates(tmp_path, force=False)
    assert tmp_path / "churn.toml" in written
    assert {path.name for path in written if path.parent.name == "source"} == {
        "customers.sql", "payments.sql", "subscriptions.sql", "support_tickets.sql", "usage_events.sql",
    }  # fmt: skip
    assert load_settings(tmp_path / "churn.toml").digest() == Settings().digest()
    assert (tmp_path / "churn.toml").stat().st_mode & 0o077 == 0


def test_init_overwrites_nothing_unasked(tmp_path):
    (tmp_path / "churn.toml").write_text("# mine\n")
    with pytest.raises(ConfigError, match="there already"):
        write_templates(tmp_path, force=False)
    assert (tmp_path / "churn.toml").read_text() == "# mine\n"
    assert not (tmp_path / "source").exists()


def test_init_names_every_key_with_its_meaning(tmp_path):
    text = render_config({})
    set_keys = re.compile(r"^# (?=\[\[|[a-z_]+ = )")
    uncommented = "\n".join(set_keys.sub("", line) for line in text.splitlines())
    shown = tomllib.loads("\n".join(line for line in uncommented.splitlines() if not line.endswith("= …")))
    assert shown["churn"]["horizon_days"] == 30
    assert [offer["name"] for offer in shown["retention"]["offers"]] == ["call"]
    for section in ("source", "warehouse", "business", "churn", "extract", "clv", "retention", "schedule", "train"):
        assert f"[{section}]" in text
    for key in ("late_days", "max_quarantined_share", "holdout_share", "inactivity_days", "gross_margin"):
        assert key in text


# --- offers -------------------------------------------------------------------------------------------------------

OFFER = '[[retention.offers]]\nname = "{name}"\ncost = {cost}\nsave_rate = {save_rate}\n{more}\n'


def offers_of(tmp_path, *entries: str):
    (tmp_path / "churn.toml").write_text("".join(entries), encoding="utf-8")
    return load_settings(tmp_path / "churn.toml").retention


def an_offer(name: str = "call", cost: str = "12", save_rate: str = "0.15", more: str = "") -> str:
    return OFFER.format(name=name, cost=cost, save_rate=save_rate, more=more)


def test_without_offers_there_is_one_by_contact_cost_and_save_rate(tmp_path):
    retention = offers_of(tmp_path, "[retention]\ncontact_cost = 3.0\nsave_rate = 0.2\n")
    (offer,) = retention.all_offers
    assert (offer.name, offer.cost, offer.save_rate, offer.when) == ("contact", 3.0, 0.2, {})


def test_a_condition_may_be_one_value_or_many(tmp_path):
    more = 'when = { plan = "pro", value_tier = ["high", "medium"] }'
    (offer,) = offers_of(tmp_path, an_offer("20 % off", more=more)).all_offers
    assert offer.name == "20 % off"
    assert offer.when == {"plan": ("pro",), "value_tier": ("high", "medium")}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (an_offer(more='when = { colour = ["red"] }'), "colour"),
        (an_offer(more="when = { plan = [] }"), "plan"),
        (an_offer(more='when = { value_tier = "hihg" }'), "no customer has value_tier 'hihg'; use high, medium, low"),
        (an_offer(more='when = { risk_band = ["high", "top"] }'), "risk_band 'top'"),
        (an_offer(more='when = { lifecycle_stage = "won back" }'), "lifecycle_stage 'won back'; use new, .*won_back"),
        (an_offer(cost="-1"), "cost"),
        (an_offer(save_rate="1.5"), "save_rate"),
        (an_offer(name="hold out"), "meaning of its own"),
        (an_offer(name=""), "1 to 60"),
        (an_offer(more="discount = 5"), "discount"),
        (an_offer() + an_offer(), "two offers are called 'call'"),
    ],
)
def test_an_offer_that_cannot_be_meant_is_refused(tmp_path, entry, said):
    with pytest.raises(ConfigError, match=said):
        offers_of(tmp_path, entry)
