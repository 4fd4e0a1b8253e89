"""What the server says of data is told without the data: names of things stay, values don't."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg2
import pytest

from churn.errors import ChurnError, DataContractError
from churn.extract.mapping import blaming
from churn.warehouse import open_database, translated, without_values


def said(state: str, message: str) -> psycopg2.Error:
    """Give an error as the server would have sent it."""
    members = {"pgcode": state, "diag": SimpleNamespace(message_primary=message)}
    kind: type[psycopg2.Error] = type("SaidError", (psycopg2.Error,), members)
    return kind(f"ERROR:  {message}\nDETAIL:  Key (email)=(ada@example.com) exists\n")


def told(state: str, message: str) -> str:
    with pytest.raises(ChurnError) as caught, translated("source"):
        raise said(state, message)
    return caught.value.message


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ('invalid input syntax for type integer: "ada@example.com"', 'invalid input syntax for type integer: "***"'),
        ('invalid input syntax for type integer: "a "b" ada c"', 'invalid input syntax for type integer: "***"'),
        ('invalid input syntax for type json: "{\n"x" ada\n}"', 'invalid input syntax for type json: "***"'),
        ('invalid input syntax for type integer: "ada', 'invalid input syntax for type integer: "***"'),
        ('invalid input value for enum public."Mood": "ada"', 'invalid input value for enum public."Mood": "***"'),
        ('value "1815" is out of range for type integer', 'value "***" is out of range for type integer'),
        ("date field value out of range: 1815-12-10", "date field value out of range: ***"),
        ('invalid value for parameter "TimeZone": "ada"', 'invalid value for parameter "TimeZone": "***"'),
        ('invalid byte sequence for encoding "UTF8": 0xe9 0x64', 'invalid byte sequence for encoding "UTF8": ***'),
        ("ungültige Eingabesyntax für Typ integer: »ada«", "ungültige Eingabesyntax für Typ integer: »***«"),
        ("ungültige Eingabesyntax für Typ integer: „ada“", "ungültige Eingabesyntax für Typ integer: „***“"),
        ("customer ada@example.com is locked", "customer *** is locked"),
    ],
)
def test_a_value_is_hidden_and_the_message_keeps_its_shape(message, shape):
    assert without_values(message) == shape
    assert told("22P02", message) == f"The source database refused a statement: {shape} (SQLSTATE 22P02)."


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("23505", 'duplicate key value violates unique constraint "customers_pkey"'),
        ("23502", 'null value in column "email" of relation "customers" violates not-null constraint'),
        ("23514", 'new row for relation "customers" violates check constraint "age"'),
        ("42703", 'column "country_code" does not exist'),
        ("42P01", 'relation "crm.customers" does not exist'),
        ("42601", 'syntax error at or near "form"'),
    ],
)
def test_names_of_things_stay(state, message):
    assert message in told(state, message)


def test_what_a_function_of_the_source_raises_is_told_without_values():
    assert 'customer "***" is locked' in told("P0001", 'customer "ada" is locked')


def test_a_mapping_is_blamed_without_the_value_and_says_who_knows_it():
    with pytest.raises(DataContractError) as caught, blaming("source/customers.sql"), translated("source"):
        raise said("22P02", 'invalid input syntax for type integer: "ada@example.com"')
    assert "ada" not in str(caught.value)
    assert str(caught.value).endswith("Mend it in source/customers.sql; the source's log names the value.")


@pytest.mark.parametrize(
    ("options", "exit_code", "told"),
    [("sslmode=bogus", 11, "source.url has an option"), ("connect_timeout=soon", 11, "source.url has an option")],
)
def test_an_option_that_libpq_does_not_understand_is_no_passing_trouble(options, exit_code, told):
    database = open_database(f"postgresql://someone@127.0.0.1:1/nowhere?{options}", "source")
    with pytest.raises(ChurnError, match=told) as caught, database.begin():
        pass
    assert (caught.value.exit_code, caught.value.may_pass) == (exit_code, False)
