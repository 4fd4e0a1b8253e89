"""COPY, locks and errors, on a real Postgres."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from churn.columns import read_numbers, read_texts, write_columns
from churn.errors import ConfigError, SourceError, TransientError, WarehouseError
from churn.warehouse import copy_in, copy_out, literal_sql, open_database


@pytest.fixture
def database(empty_database):
    return open_database(empty_database, "warehouse")


def test_copy_in_takes_chunks_of_any_size_and_copy_out_gives_them_back(database):
    lines = [f'{number},"quote "" and é {number}"\n'.encode() for number in range(5000)]
    data = b"".join(lines)
    chunks = [data[start : start + 777] for start in range(0, len(data), 777)]
    with database.begin() as connection:
        connection.exec_driver_sql('create table "odd name" (n integer, "a text" text)')
        assert copy_in(connection, "odd name", ["n", "a text"], chunks) == 5000
        out = b"".join(copy_out(connection, 'select n, "a text" from "odd name" order by n'))
    assert out == data


def test_copy_out_that_is_left_early_ends_its_query(database):
    with database.begin() as connection:
        stream = copy_out(connection, "select repeat('x', 1000) from generate_series(1, 1000000)")
        assert next(stream)
        stream.close()
    with database.begin() as connection:
        assert connection.scalar(sa.text("select 1")) == 1


def test_copy_out_holds_a_bounded_number_of_chunks(database):
    with database.begin() as connection:
        largest = max(len(chunk) for chunk in copy_out(connection, "select n from generate_series(1, 300000) as n"))
    assert largest < 1 << 20


def test_an_error_inside_a_copy_is_translated(database):
    with pytest.raises(WarehouseError, match="division by zero"), database.begin() as connection:
        list(copy_out(connection, "select 1 / (n - 10) from generate_series(1, 20) as n"))


def test_literals_are_quoted(database):
    hostile = "'; drop table customers; --%\\"
    with database.begin() as connection:
        query = literal_sql(sa.text("select cast(:value as text)"), value=hostile)
        assert b"".join(copy_out(connection, query, fmt="csv")).decode().strip() == hostile


def test_columns_go_out_and_come_back_with_nan_as_null(database):
    batch = {"k": np.array([1, 2, 3]), "v": np.array([0.1, np.nan, 1e300])}
    with database.begin() as connection:
        connection.exec_driver_sql("create table t (k bigint, v double precision)")
        assert write_columns(connection, "t", iter([batch, batch])) == 6
        assert connection.scalar(sa.text("select count(*) from t where v is null")) == 2
        back = read_numbers(connection, "select k, v from t order by k", {"k": np.int64, "v": np.float64})
    assert back["k"].tolist() == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(back["v"][[0, 2, 4]], batch["v"])


def test_texts_come_back_as_they_are_and_an_empty_one_is_no_null(database):
    hostile = ["NaN", "", None, 'two\nlines, "quoted"', "NA", "NaN", "ü"]
    values = ", ".join(f"({place}, :t{place}, {place / 2})" for place in range(len(hostile)))
    query = f"select k, t, nullif(v, 1) from (values {values}, (99, null, 'NaN'::float8)) as x (k, t, v) order by k"
    with database.begin() as connection:
        literal = literal_sql(sa.text(query), **{f"t{place}": text for place, text in enumerate(hostile)})
        numbers, texts = read_texts(connection, literal, {"k": np.int64, "t": str, "v": np.float64})
        empty = read_texts(connection, "select 1, 'x' where false", {"k": np.int64, "t": str})
    assert texts["t"].tolist() == [*hostile, None]
    assert texts["t"][0] is texts["t"][5]
    np.testing.assert_array_equal(numbers["v"], [0, 0.5, np.nan, 1.5, 2, 2.5, 3, np.nan])
    assert (empty[0]["k"].shape, empty[1]["t"].shape) == ((0,), (0,))


def test_no_rows_come_back_as_empty_columns(database):
    with database.begin() as connection:
        back = read_numbers(connection, "select 1 where false", {"k": np.int64})
    assert back["k"].shape == (0,)


@pytest.mark.parametrize(("side", "code", "kind"), [("source", 11, SourceError), ("warehouse", 15, WarehouseError)])
def test_an_unreachable_database_is_the_fault_of_its_side(side, code, kind):
    database = open_database("postgresql://someone:hunter2@127.0.0.1:1/nowhere", side)
    with pytest.raises(kind, match=rf"The {side} database can't be reached") as caught, database.begin():
        pass
    assert caught.value.exit_code == code
    assert "hunter2" not in str(caught.value)
    assert f"{side}.url" in caught.value.hint


def test_a_lost_connection_is_transient(database):
    with pytest.raises(TransientError) as caught, database.begin() as connection:
        connection.execute(sa.text("select pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.exit_code == 75


def test_a_missing_table_in_the_warehouse_says_to_migrate(database):
    with pytest.raises(WarehouseError, match="Run `churn migrate`"), database.begin() as connection:
        connection.execute(sa.text("select 1 from ops.runs"))


def test_the_source_session_can_not_write(empty_database):
    source = open_database(empty_database, "source")
    with pytest.raises(SourceError, match="read-only"), source.begin() as connection:
        connection.exec_driver_sql("create table t (n integer)")


@pytest.mark.parametrize("url", ["not a url", "mysql://u@h/d", "sqlite:///x", ""])
def test_a_url_of_no_postgres_is_a_matter_of_configuration(url):
    with pytest.raises(ConfigError):
        open_database(url, "warehouse")
