"""Secrets come from the environment or from files, and reach no message; TLS is what the configuration asks for."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import psycopg2
import pytest
from pydantic import BaseModel, SecretStr

from churn.config import Settings, load_settings
from churn.config.secrets import READ_WHERE_NEEDED, SECRETS, open_to_others
from churn.connections import open_source, tls_parameters
from churn.errors import ChurnError, ConfigError, SourceError, TransientError, WarehouseError
from churn.warehouse import Side, open_database, parse_url, translated

SECRET = "swordfish-4711"
URL = f"postgresql://clerk:{SECRET}@127.0.0.1:1/shop"
HOOK = f"https://hooks.example.com/{SECRET}"
FROM_FILES = [(name, key) for name, keys in SECRETS.items() for key in keys if (name, key) not in READ_WHERE_NEEDED]


@pytest.fixture
def write(tmp_path, monkeypatch):
    for name, keys in SECRETS.items():
        for key in keys:
            monkeypatch.delenv(f"CHURN_{name}__{key}".upper(), raising=False)

    def write(text: str, file: str = "churn.toml", mode: int = 0o600) -> Path:
        path = tmp_path / file
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write


def fitting(key: str) -> str:
    """A secret that its key allows."""
    return HOOK if key == "webhook_url" else URL


def value(settings: Settings, name: str, key: str) -> str:
    secret = getattr(getattr(settings, name), key)
    assert isinstance(secret, SecretStr)
    return secret.get_secret_value()


# --- files --------------------------------------------------------------------------------------------------------


def test_every_secret_is_known_as_one_and_may_come_from_a_file():
    found = {
        (name, key)
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for key, info in field.annotation.model_fields.items()
        if "SecretStr" in str(info.annotation)
    }
    assert found == {(name, key) for name, keys in SECRETS.items() for key in keys}
    for name, key in found:
        assert f"{key}_file" in Settings.model_fields[name].annotation.model_fields  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "key"), FROM_FILES)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_the_file_beside_churn_toml(write, name, key, end):
    write(fitting(key) + end, "secret")
    settings = load_settings(write(f'[{name}]\n{key}_file = "secret"\n'))
    assert value(settings, name, key) == fitting(key)


@pytest.mark.parametrize(("name", "key"), FROM_FILES)
def test_the_environment_may_name_the_file(write, monkeypatch, name, key):
    monkeypatch.setenv(f"CHURN_{name}__{key}_FILE".upper(), str(write(f"{fitting(key)}\n", "secret")))
    assert value(load_settings(write("")), name, key) == fitting(key)


@pytest.mark.parametrize(("name", "key"), FROM_FILES)
def test_a_secret_and_its_file_are_not_both_given(write, monkeypatch, name, key):
    file = write(SECRET, "secret")
    monkeypatch.setenv(f"CHURN_{name}__{key}_FILE".upper(), str(file))
    with pytest.raises(ConfigError, match=rf"{name}\.{key} and {name}\.{key}_file are both given") as caught:
        load_settings(write(f'[{name}]\n{key} = "{fitting(key)}"\n'))
    assert SECRET not in shown(caught.value)


def test_what_a_file_holds_is_checked_as_if_it_stood_in_churn_toml(write):
    write(f"http://hooks.example.com/{SECRET}", "secret")
    with pytest.raises(ConfigError, match="use https") as caught:
        load_settings(write('[alerts]\nwebhook_url_file = "secret"\n'))
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read"),
        (b"", "one line"),
        (b"\n", "one line"),
        (f"{SECRET}\n{SECRET}\n".encode(), "one line"),
        (f"{SECRET}\0".encode(), "one line"),
        (f"{SECRET}\xff".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_its_content(write, tmp_path, content, said):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"source\.url_file: .*{said}") as caught:
        load_settings(write('[source]\nurl_file = "secret"\n'))
    assert caught.value.exit_code == 10
    assert SECRET not in shown(caught.value)


def test_where_a_secret_comes_from_changes_no_digest(write):
    write(URL, "secret")
    from_file = load_settings(write('[source]\nurl_file = "secret"\n')).digest()
    assert from_file == load_settings(write(f'[source]\nurl = "{URL}"\n')).digest() == load_settings(write("")).digest()


def test_files_that_everybody_may_read_are_found(write):
    secret = write(URL, "secret", 0o644)
    toml = write('[source]\nurl_file = "secret"\n', mode=0o644)
    assert open_to_others(load_settings(toml), toml) == [secret]
    secret.chmod(0o640)
    assert open_to_others(load_settings(toml), toml) == []
    with_secret = write(f'[source]\nurl = "{URL}"\n', mode=0o644)
    assert open_to_others(load_settings(with_secret), with_secret) == [with_secret]


# --- messages -----------------------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """All that `--debug` prints of an error."""
    return "".join(traceback.format_exception(error))


def test_no_form_of_the_settings_shows_a_secret(write, caplog):
    lines = [f"[{name}]\n" + "".join(f'{key} = "{fitting(key)}"\n' for key in keys) for name, keys in SECRETS.items()]
    settings = load_settings(write("".join(lines)))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("%s %r", settings, settings.source)
    forms = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()), caplog.text]
    forms += [repr(getattr(settings, name)) for name in SECRETS]
    assert [form for form in forms if SECRET in form] == []


@pytest.mark.parametrize(
    "text",
    [
        f'[source]\nurll = "{URL}"\n',
        f'[source]\nurl = ["{URL}"]\n',
        f'[source]\nurl = {{ password = "{SECRET}" }}\n',
        f'[source]\nurl = "{URL}"\ntimezone = "{URL}"\n',
        f'[source]\nurl = "{URL}"\ntls = "{SECRET}"\n',
        f'[source]\nurl = "{URL}\n',
        f'[source]\nurl = {URL}\n',
        f'[sauce]\nurl = "{URL}"\n',
        f'source = "{URL}"\n',
        f'[retry]\nattempts = "{SECRET}"\n',
        f'[schedule]\nnightly = "{SECRET}"\n',
        f'[business]\ncurrency = "{SECRET}"\n',
        f'[forget]\nkey = "{SECRET}"\nkeys = "{SECRET}"\n',
        f'[alerts]\nsmtp_password = "{SECRET}"\nsmtp_tls = "{SECRET}"\nmail_to = "{SECRET}"\n',
    ],
)  # fmt: skip
def test_a_value_in_the_wrong_place_is_not_repeated(write, text):
    with pytest.raises(ConfigError) as caught:
        load_settings(write(text))
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHURN_SOURCE", f'{{"url": "{URL}", "urll": "{URL}"}}'),
        ("CHURN_SOURCE", f'{{"url": "{URL}"'),
        ("CHURN_SOURCE__URLL", URL),
        ("CHURN_SOURCE__STATEMENT_TIMEOUT_SECONDS", SECRET),
        ("CHURN_ALERTS__MAIL_TO", SECRET),
        ("CHURN_SAUCE__URL", URL),
    ],
)
def test_a_wrong_environment_variable_is_not_repeated(write, monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(write(""))
    assert SECRET not in shown(caught.value)


BAD_URLS = [
    SECRET,
    f"clerk:{SECRET}@host/shop",
    f"postgresql:/clerk:{SECRET}@host/shop",
    f"postgresql//clerk:{SECRET}@host/shop",
    f"{SECRET}://clerk@host/shop",
    f"mysql://clerk:{SECRET}@host/shop",
    f"host=db password={SECRET}",
    f"postgresql://clerk:x@{SECRET}@host/shop",
    f"postgresql://clerk:x@{SECRET}/shop@host/shop",
    f"postgresql://clerk:x@w?{SECRET}@host/shop",
    f"postgresql://clerk:x@w:{SECRET}@host:5432/shop",
    f"postgresql://clerk:{SECRET}",
    "postgresql://clerk:471147114711/shop",
    f"postgresql://clerk:{SECRET}%00@host/shop",
    f"postgresql://clerk:{SECRET}%0A@host/shop",
    f"postgresql://clerk:{SECRET}@host:99999/shop",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_what_is_no_plain_url_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError) as caught:
        parse_url(url, "source")
    assert SECRET not in shown(caught.value)
    assert "4711" not in shown(caught.value)
    assert "postgresql://user:password@host:5432/database" in caught.value.hint


@pytest.mark.parametrize("odd", [":", "/", "?", "#", "%", "%zz", "&", "=", "'", '"', "\\", " ", "é", "[", "+", "%40"])
@pytest.mark.parametrize("query", ["", "?sslmode=disable", f"?password={SECRET}", f"?nonsense={SECRET}"])
def test_a_connection_that_fails_shows_no_password(odd, query):
    url = f"postgresql://clerk:{SECRET}{odd}{SECRET}@127.0.0.1:1/shop{query}"
    sides: dict[Side, type[ChurnError]]
    sides = {"source": SourceError, "warehouse": WarehouseError, "activation": WarehouseError}
    for side, kind in sides.items():
        with pytest.raises(ChurnError) as caught, open_database(url, side).connect():
            pass
        assert isinstance(caught.value, kind)
        assert SECRET not in shown(caught.value)


# --- the way to a database ----------------------------------------------------------------------------------------


def tls(write, text: str, url: str = "postgresql://clerk@db/shop"):
    settings = load_settings(write(f"[source]\n{text}\n"))
    return dict(tls_parameters(settings, "source", url))


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
def test_the_mode_of_tls_goes_to_libpq(write, mode):
    assert tls(write, f'tls = "{mode}"') == {"sslmode": mode}


def test_without_a_mode_the_url_decides(write):
    assert tls(write, "", "postgresql://clerk@db/shop?sslmode=verify-full") == {}


def test_the_authority_is_a_file_beside_churn_toml_or_the_systems(write):
    file = write("", "ca.pem")
    assert tls(write, 'tls = "verify-ca"\ntls_root_certificate = "ca.pem"')["sslrootcert"] == str(file)
    assert tls(write, 'tls = "verify-full"\ntls_root_certificate = "system"')["sslrootcert"] == "system"


@pytest.mark.parametrize(
    ("text", "url", "said"),
    [
        ('tls = "strict"', "", "tls"),
        ('tls_root_certificate = "ca.pem"', "", "only looked at with"),
        ('tls = "require"\ntls_root_certificate = "ca.pem"', "", "only looked at with"),
        ('tls = "verify-ca"\ntls_root_certificate = "system"', "", "verify-full"),
        ('tls = "verify-ca"\ntls_root_certificate = "nowhere.pem"', "", "there is no file"),
        ('tls = "prefer"', "?sslmode=verify-full", "different encryption"),
    ],
)
def test_encryption_that_would_not_be_what_was_meant_is_refused(write, text, url, said):
    with pytest.raises(ConfigError, match=said):
        tls(write, text, f"postgresql://clerk@db/shop{url}")


def connection_of(monkeypatch, write, text: str) -> dict[str, object]:
    """What libpq is given when the source is opened."""
    given: dict[str, object] = {}

    def connect(*_: object, **named: object) -> None:
        given.update(named)
        raise psycopg2.OperationalError("connection to server at nowhere failed")

    monkeypatch.setattr(psycopg2, "connect", connect)
    settings = load_settings(write(text))
    with pytest.raises(SourceError), open_source(settings).connect():
        pass
    return given


def test_a_dead_peer_is_noticed_and_tls_is_passed_on(write, monkeypatch):
    given = connection_of(monkeypatch, write, '[source]\nurl = "postgresql://clerk@db/shop"\ntls = "verify-full"\n')
    assert given["sslmode"] == "verify-full"
    assert given["keepalives"] == 1
    assert int(str(given["keepalives_idle"])) + 6 * int(str(given["keepalives_interval"])) <= 120


def test_what_the_url_says_of_keepalives_stays(write, monkeypatch):
    url = "postgresql://clerk@db/shop?keepalives_idle=5&sslmode=require"
    given = connection_of(monkeypatch, write, f'[source]\nurl = "{url}"\n')
    assert (given["keepalives_idle"], given["sslmode"]) == ("5", "require")


# --- what errors mean ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        ('connection to server at "db", port 5432 failed: server does not support SSL, but SSL was required',
         SourceError, r"No encrypted connection .* source\.tls"),
        ('connection to server at "db" failed: SSL error: certificate verify failed', SourceError, "source\\.tls"),
        ('connection to server at "db" failed: FATAL: no pg_hba.conf entry for host "h", no encryption',
         SourceError, "source\\.tls"),
        ('connection to server at "db" failed: FATAL: password authentication failed for user "u"',
         SourceError, "refused the login"),
        ('connection to server at "db" failed: FATAL: the database system is starting up', TransientError, "again"),
        ("server closed the connection unexpectedly", TransientError, "again"),
    ],
)  # fmt: skip
def test_what_libpq_says_becomes_a_message_with_its_mend(message, kind, said):
    with pytest.raises(kind, match=said), translated("source"):
        raise psycopg2.OperationalError(message)


@pytest.mark.parametrize(
    "error",
    [
        psycopg2.InterfaceError("connection already closed"),
        psycopg2.DatabaseError("SSL SYSCALL error: EOF detected"),
        psycopg2.DatabaseError("server closed the connection unexpectedly\n\tThis probably means"),
    ],
)
def test_a_connection_that_breaks_off_is_transient_whatever_the_driver_calls_it(error):
    with pytest.raises(TransientError), translated("warehouse"):
        raise error
