"""What must not leak, what must not be written, and what must stay text: tried with a whole shop."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote

import psycopg2
import pytest
import sqlalchemy as sa
from pydantic import BaseModel, SecretStr
from typer.main import get_command

from churn import embedded
from churn.cli import app
from churn.config import Settings, load_settings
from churn.config.sections import HOME_FOLDER
from churn.connections import open_source
from churn.errors import ConfigError
from churn.warehouse import quoted
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.bad_input_source import AS_OF, SECRET, SELECTS, Outcome, Shop, fill_shop

DROP = "drop table ops.runs; create table public.pwned (n int); --"
HOSTILE = (f"'; {DROP}", f'"; {DROP}', f"\\'; {DROP}", f"$$; {DROP}", f"') or true; {DROP}", "%s %(x)s :name %%", "%")
LONG = "x'" * 5_000


@pytest.fixture(scope="module")
def template(make_template: MakeTemplate, tmp_path_factory: Any) -> str:
    def fill(url: str) -> None:
        fill_shop(url, tmp_path_factory.mktemp("fill"), customers=40, night=AS_OF)

    return make_template("security_shop", fill)


@pytest.fixture
def shop(template: str, make_database: MakeDatabase, tmp_path: Path) -> Iterator[Shop]:
    """A shop with a published night, none of whose tables may go or come while it is tested."""
    made = Shop(tmp_path, make_database(template))
    before = tables(made)
    yield made
    # `db url` starts a server where there is none.
    embedded.destroy(tmp_path / HOME_FOLDER)
    assert tables(made) == before


def tables(shop: Shop) -> set[str]:
    found = shop.rows(
        "select c.oid::regclass::text as name from pg_class as c where c.relkind in ('r', 'p', 'v') "
        "and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast') "
        "and not c.relispartition"
    )
    return {row["name"] for row in found}


# ---------------------------------------------------------------- the commands, all of them

# What a command is given besides the options that every one takes; None: it reads no settings or never ends.
ARGUMENTS: dict[str, list[str] | None] = {
    "demo": None,
    "init": None,
    "scheduler": None,
    "serve": None,
    "db start": None,
    "db stop": None,
    "db psql": None,
    "db url": ["--database", "shop"],
    "doctor": [],
    "migrate": [],
    "extract": ["--as-of", AS_OF],
    "train": ["--as-of", AS_OF],
    "nightly": ["--as-of", AS_OF],
    "backfill": ["--from", AS_OF, "--to", AS_OF],
    "forget": ["c1"],
    "status": [],
    "export": ["at-risk"],
    "report": [],
    "profile": [],
    "models list": [],
    "models show": [],
    "models promote": ["1", "--reason", "tried"],
    "models rollback": ["--reason", "tried"],
    "campaign record": ["--campaign", "nightly", "--file", "sent.csv", "--sent-on", AS_OF],
    "campaign results": [],
    "campaign withdraw": ["--campaign", "nightly"],
}


def commands() -> dict[str, Any]:
    """Every command by its path."""

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            yield " ".join(path), command
            return
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))

    return dict(walk(get_command(app), ()))


def test_every_command_is_tried():
    assert set(commands()) <= set(ARGUMENTS)


TRIED = sorted(name for name in commands() if ARGUMENTS.get(name) is not None)


def run(shop: Shop, name: str, *more: str) -> Outcome:
    return shop.run(*name.split(), *(ARGUMENTS[name] or []), *more)


# ---------------------------------------------------------------- what leaks


@pytest.mark.parametrize("side", ["source", "warehouse", "activation"])
def test_no_command_shows_a_password_whatever_fails(shop, monkeypatch, side):
    (shop.folder / "sent.csv").write_text("customer_id\nc1\n")
    monkeypatch.chdir(shop.folder)
    shop.configure(
        **{f"{side}__url": f"postgresql://clerk:{SECRET}%2F%25@127.0.0.1:1/shop"},
        retry__attempts=1,
        alerts__webhook_url=f"http://127.0.0.1:1/{SECRET}",
        alerts__smtp_host="127.0.0.1",
        alerts__smtp_port=1,
        alerts__smtp_user="clerk",
        alerts__smtp_password=SECRET,
        alerts__mail_from="a@example.com",
        alerts__mail_to=["b@example.com"],
        forget__key=SECRET * 3,
    )
    if side == "activation":
        shown = {"export": shop.run("export", "at-risk", "--table", "marketing.tonight", "--debug")}
    else:
        # What `db url` says of the embedded server, which it has to start, is the same on either side.
        shown = {name: run(shop, name, "--debug") for name in TRIED if side == "source" or name != "db url"}
    assert [name for name, done in shown.items() if SECRET in done.text] == []
    failed = "export" if side == "activation" else "nightly"
    assert shown[failed].code == {"source": 11, "warehouse": 15, "activation": 15}[side]
    assert shop.value(f"select count(*) from ops.runs as r where cast(r as text) like '%{SECRET}%'") == 0
    assert [file for file in shop.folder.rglob("*.log") if SECRET in file.read_text(errors="ignore")] == []


def test_a_secret_in_a_file_does_what_one_in_churn_toml_does(shop, monkeypatch):
    secret = shop.folder / "source_url"
    secret.write_text(f"{shop.url}\n")
    shop.configure(source__url=None, source__url_file="source_url")
    assert shop.run("extract").code == 0
    shop.configure(source__url_file=None)
    monkeypatch.setenv("CHURN_SOURCE__URL_FILE", str(secret))
    assert shop.run("extract").code == 0


# ---------------------------------------------------------------- the source is read, and not for ever


WRITERS = {
    "writes": "insert into public.written values (1);",
    "makes the transaction writable": "perform set_config('transaction_read_only', 'off', true); "
    "insert into public.written values (1);",
    "makes the session writable": "set default_transaction_read_only = off; insert into public.written values (1);",
    "moves a sequence": "perform nextval('public.counted');",
}


def test_a_mapping_that_writes_is_refused_by_the_session(shop):
    shop.execute("create table public.written (n int); create sequence public.counted")
    for name, statements in WRITERS.items():
        shop.execute(
            f"create or replace function public.intruder() returns text volatile language plpgsql as "
            f"$body$ begin {statements} return 'x'; end $body$"
        )
        shop.map(customers="select customer_id, signed_up_at, contactable, public.intruder() as note from customers")
        done = shop.nightly()
        assert done.code in {11, 12}, (name, done.err)
        assert "read-" in done.message, (name, done.err)
        assert shop.value("select count(*) from public.written") == 0, name
        assert shop.value("select is_called from public.counted") is False, name
    shop.execute("drop table public.written; drop sequence public.counted; drop function public.intruder()")


def test_the_session_of_the_source_has_its_limits(shop):
    shop.configure(source__statement_timeout_seconds=90, source__lock_timeout_seconds=7, source__idle_timeout_seconds=8)
    wanted = {
        "default_transaction_read_only": "on",
        "statement_timeout": "90s",
        "lock_timeout": "7s",
        "idle_in_transaction_session_timeout": "8s",
    }
    with open_source(load_settings(shop.config)).connect() as connection:
        for name, value in wanted.items():
            assert connection.scalar(sa.text("select current_setting(:name)"), {"name": name}) == value, name


def test_a_statement_that_hangs_is_cut_off_and_the_message_names_the_key(shop):
    shop.configure(source__statement_timeout_seconds=1, retry__attempts=1)
    shop.map(customers="select c.customer_id, c.signed_up_at, c.contactable from customers as c, pg_sleep(60)")
    began = time.monotonic()
    done = shop.nightly()
    assert time.monotonic() - began < 20
    assert done.code == 11
    assert "statement timeout" in done.message
    assert "source.statement_timeout_seconds" in done.message


def test_a_lock_that_is_not_given_up_ends_the_wait_as_transient(shop):
    shop.configure(source__lock_timeout_seconds=1, retry__attempts=1)
    with closing(psycopg2.connect(shop.url.replace("+psycopg2", ""))) as holder:
        holder.cursor().execute("lock table public.customers in access exclusive mode")
        began = time.monotonic()
        done = shop.nightly()
    assert time.monotonic() - began < 20
    assert (done.code, "lock timeout" in done.message) == (75, True), done.err


# ---------------------------------------------------------------- injection: the configuration

# Texts for which a hostile value is refused when they are read.
REFUSED = {
    "business.currency",
    "business.timezone",
    "dashboard.address",
    "dashboard.hosts",
    "dashboard.locale",
    "dashboard.trusted_proxies",
    "dashboard.user_header",
    "features.usage.name",
    "retention.campaign",
    "roles.bi_reader",
    "roles.churn_job",
    "roles.marketing_reader",
    "schedule.nightly",
    "schedule.train",
    "source.timezone",
}
LISTS = {"dashboard.hosts", "dashboard.trusted_proxies"}
# Texts that may be anything, and become values in statements: a night is run with them.
VALUES = {"features.usage.event_type", "retention.offers.name", "retention.offers.when"}
# Texts that tell where to connect to.
CONNECTIONS = {"activation.url", "source.url", "warehouse.url"}
# Texts that no statement ever holds: files, mail, ports, keys.
ELSEWHERE = {
    "alerts.mail_from",
    "alerts.mail_to",
    "alerts.smtp_host",
    "alerts.smtp_password",
    "alerts.smtp_user",
    "alerts.webhook_url",
    "dashboard.token",
    "forget.key",
    "schedule.address",
    *(f"{side}.tls_root_certificate" for side in ("activation", "source", "warehouse")),
}


def texts(model: Any, path: str = "") -> Iterator[str]:
    """Every key of the configuration that can hold a text of the user's choice; files are no texts."""
    for name, info in model.model_fields.items():
        if path or name != "base_dir":
            yield from _texts(info.annotation, f"{path}{name}")


def _texts(annotation: Any, path: str) -> Iterator[str]:
    if annotation in (str, SecretStr):
        yield path
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from texts(annotation, f"{path}.")
    elif get_origin(annotation) is not Literal:
        yield from {key for part in get_args(annotation) for key in _texts(part, path)}


def test_every_text_of_the_configuration_has_a_case():
    assert set(texts(Settings)) == REFUSED | VALUES | CONNECTIONS | ELSEWHERE


def toml(key: str, text: str) -> str:
    *sections, name = key.split(".")
    if len(sections) == 2:
        return f"[[{'.'.join(sections)}]]\n{name} = {json.dumps(text)}\nevent_type = 'x'\n"
    value = [text] if key in LISTS else text
    return f"[{sections[0]}]\n{name} = {json.dumps(value)}\n"


@pytest.mark.parametrize("key", sorted(REFUSED))
@pytest.mark.parametrize("text", [*HOSTILE, LONG, "a\0b", "nightly\n", "nightly'"])
def test_a_hostile_name_is_refused_when_it_is_read(tmp_path, key, text):
    file = tmp_path / "churn.toml"
    file.write_text(toml(key, text))
    with pytest.raises(ConfigError):
        load_settings(file)


@pytest.mark.parametrize("key", sorted(VALUES | CONNECTIONS | ELSEWHERE))
def test_no_text_of_the_configuration_holds_a_null_byte(tmp_path, key):
    file = tmp_path / "churn.toml"
    file.write_text(toml(key, "a\0b"))
    with pytest.raises(ConfigError):
        load_settings(file)


def test_a_night_with_hostile_values_in_the_configuration_treats_them_as_text(shop):
    offers = [
        {"name": text[:60].strip(), "cost": 1.0, "save_rate": 0.3, "when": {"plan": [text, "pro", "basic"]}}
        for text in HOSTILE
    ]
    for limit in ("segment", "driver"):
        offers.append({"name": f"by {limit}", "cost": 1.0, "save_rate": 0.3, "when": {limit: [*HOSTILE, LONG]}})
    usage = [{"name": f"u{number}", "event_type": text} for number, text in enumerate([*HOSTILE, LONG])]
    shop.configure(retention__offers=offers, features__usage=usage)
    for number, text in enumerate(HOSTILE):
        shop.execute("insert into usage_events values ('c1', '2025-06-20', :text, 1)", text=text)
        shop.execute("update subscriptions set plan = :text where subscription_id = :n", text=text, n=number + 1)
    done = shop.nightly(AS_OF, "--replace-list")
    assert done.code == 0, done.err
    shown = {row["offer"] for row in shop.rows("select offer from bi.at_risk_customers")}
    assert shown & {text[:60].strip() for text in HOSTILE}


def test_a_hostile_part_of_a_url_names_nothing_but_itself(shop):
    text = quote(HOSTILE[0], safe="")
    for url in (
        f"postgresql://{text}@127.0.0.1:1/shop",
        f"postgresql://clerk:{text}@127.0.0.1:1/shop",
        f"postgresql://clerk@127.0.0.1:1/{text}",
        f"postgresql://clerk@127.0.0.1:1/shop?options={text}",
    ):
        shop.configure(source__url=url, retry__attempts=1)
        assert shop.nightly().code in {10, 11}


# ---------------------------------------------------------------- injection: the command line


def test_a_hostile_argument_is_refused_or_is_just_a_name(shop, monkeypatch):
    (shop.folder / "sent.csv").write_text("customer_id\nc1\n")
    monkeypatch.chdir(shop.folder)
    shop.configure(retry__attempts=1)
    strange = []
    for name in TRIED:
        if name.startswith("db "):
            continue
        for parameter in commands()[name].params:
            if parameter.name == "reason" or not takes_text(commands()[name], parameter.name):
                continue
            for text in (HOSTILE[0], HOSTILE[5], LONG):
                done = shop.run(*line(name, parameter, text))
                if done.code in {0, 1} or "Traceback" in done.text:
                    strange.append((name, parameter.name, text[:20], done.code, done.message[:200]))
    assert strange == []


def takes_text(command: Any, name: str) -> bool:
    """Whether a parameter of a command may be any text."""
    hint = get_type_hints(command.callback)[name]
    return hint is str or str in get_args(hint)


def line(name: str, parameter: Any, text: str) -> list[str]:
    """A command line on which one parameter is hostile and the others are as they should be."""
    given = list(ARGUMENTS[name] or [])
    option = next((option for option in parameter.opts if option.startswith("--")), None)
    if option is None:
        return [*name.split(), *given[1:], "--", text]
    if option in given:
        at = given.index(option)
        del given[at : at + 2]
    return [*name.split(), *given, option, text]


# ---------------------------------------------------------------- injection: the data


def test_hostile_names_in_the_data_stay_text_through_every_stage(shop):
    for number, text in enumerate((*HOSTILE, LONG)):
        shop.execute("update subscriptions set plan = :text where subscription_id = :n", text=text, n=number + 1)
        shop.execute("insert into usage_events values ('c1', '2025-06-21', :text, 1)", text=text)
        shop.execute(
            "insert into support_tickets values (:n, 'c1', '2025-06-02', null, :text, 1)", n=900 + number, text=text
        )
        shop.execute("insert into payments values (:n, 'c2', '2025-06-02', 5, :text)", n=90_000 + number, text=text)
        shop.execute("insert into customers values (:text, '2025-01-01', true)", text=text)
        shop.execute(
            "insert into subscriptions values (:n, :text, 'pro', 10, '2025-01-01', null, 1, null)",
            text=text,
            n=900 + number,
        )
    columns = ", ".join(f"cast({literal(text)} as text) as note_{number}" for number, text in enumerate(HOSTILE))
    shop.map(customers=SELECTS["customers"].replace(" from ", f", {columns} from "))
    shop.configure(extract__max_quarantined_share=0.5)
    done = shop.nightly(AS_OF, "--recompute", "--replace-list")
    assert done.code == 0, done.err
    ids = {row["customer_id"] for row in shop.rows("select customer_id from bi.customer_scores")}
    assert set(HOSTILE) <= ids
    assert LONG not in ids
    for command in ("export", "status", "doctor"):
        assert run(shop, command).code == 0, command
    shop.execute("create schema marketing; grant usage, create on schema marketing to churn_job")
    written = shop.run("export", "at-risk", "--table", "marketing.tonight")
    assert written.code == 0, written.err
    shop.execute("drop schema marketing cascade")


def test_a_hostile_column_of_the_mapping_is_refused_by_its_name(shop):
    for text in HOSTILE:
        shop.map(customers=SELECTS["customers"].replace(" from ", f", 1 as {quoted(text[:60])} from "))
        done = shop.nightly()
        assert (done.code, "Rename it" in done.message) == (12, True), done.err


def literal(text: str) -> str:
    """A text as it stands in a statement."""
    return "'" + text.replace("'", "''") + "'"
