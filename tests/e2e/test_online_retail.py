"""examples/online_retail as a user runs it: the real file, the mapping's counts, the commands, the views."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import Row

from churn import embedded
from tests.conftest import MakeTemplate
from tests.e2e.bad_input_source import run_churn

_REPOSITORY = Path(__file__).resolve().parents[2]
_EXAMPLE = _REPOSITORY / "examples" / "online_retail"
_AS_OF = "2011-12-09"

# From the data's README.
_LINES = 541_909
_INVOICES = 25_900
_CUSTOMERS = 4_372
_LINES_WITHOUT_CUSTOMER = 135_080
_CANCELLATION_LINES = 9_288
_DUPLICATE_LINES = 5_268
_COUNTRIES = 38
_TOTAL = Decimal("9747747.934")

# Counted with pandas, in tenths of a penny, apart from the mapping.
_WITHOUT_CUSTOMER = 3_710
_DUPLICATES_TOTAL = Decimal("21740.980")
_BOOKKEEPING_LINES = 796
_BOOKKEEPING_TOTAL = Decimal("-325459.139")
_PARTS_OF_A_PENNY = Decimal("0.003")
_PURCHASES = 18_457
_PURCHASES_TOTAL = Decimal("8833623.96")
_WORTH_NOTHING = 79
_BUYERS = 4_334
_REFUNDS = 3_654
_REFUNDS_OF_GOODS = 3_449
_REFUNDS_TOTAL = Decimal("-482894.43")
_ACTIVE_CUSTOMERS = 2_883


def _run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def _rows(url: str, sql: str) -> list[Row[Any]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return list(found)


def _row(url: str, sql: str) -> tuple[Any, ...]:
    (found,) = _rows(url, sql)
    return tuple(found)


def _mapped(url: str, entity: str, columns: str, rest: str = "") -> tuple[Any, ...]:
    query = (_EXAMPLE / "source" / f"{entity}.sql").read_text(encoding="utf-8")
    return _row(url, f"select {columns} from (\n{query}\n) as mapped {rest}")


@pytest.fixture(scope="module")
def source(make_template: MakeTemplate, server_home: Path, shared_data: Path) -> str:
    """Address of a database that the example's loader has filled; tests only read it."""
    data = shared_data / "online_retail" / "online_retail.parquet"

    def fill(url: str) -> None:
        done = _run(str(_EXAMPLE / "load.py"), "--data", str(data), CHURN_SOURCE__URL=url)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "541,909 invoice lines are in the table invoice_lines.\n"

    return embedded.database_url(server_home, make_template("online_retail_source", fill))


# ---------------------------------------------------------------- the loader


def test_the_table_agrees_with_the_readme_of_the_data(source: str) -> None:
    counts = """
        select
            count(*),
            count(distinct "InvoiceNo"),
            count(distinct "CustomerID"),
            count(*) filter (where "CustomerID" is null),
            count(*) filter (where "InvoiceNo" like 'C%'),
            count(*) - (select count(*) from (select distinct * from invoice_lines) as lines),
            count(distinct "Country"),
            min("InvoiceDate"),
            max("InvoiceDate"),
            sum("Quantity" * cast("UnitPrice" as numeric))
        from invoice_lines
    """
    assert _row(source, counts) == (
        _LINES,
        _INVOICES,
        _CUSTOMERS,
        _LINES_WITHOUT_CUSTOMER,
        _CANCELLATION_LINES,
        _DUPLICATE_LINES,
        _COUNTRIES,
        datetime(2010, 12, 1, 8, 26),
        datetime(2011, 12, 9, 12, 50),
        _TOTAL,
    )


def test_nothing_is_cleaned_on_the_way_in(source: str) -> None:
    oddities = """
        select
            count(*) filter (where "Description" is null),
            count(*) filter (where "Description" = ''),
            count(*) filter (where "UnitPrice" <= 0),
            count(*) filter (where "Quantity" < 0)
        from invoice_lines
    """
    assert _row(source, oddities) == (1_454, 0, 2_517, 10_624)


def test_loading_again_replaces_the_table(empty_database: str, tmp_path: Path, shared_data: Path) -> None:
    whole = shared_data / "online_retail" / "online_retail.parquet"
    few = tmp_path / "few.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(whole).slice(0, 100), few)
    for _ in range(2):
        done = _run(str(_EXAMPLE / "load.py"), "--data", str(few), CHURN_SOURCE__URL=empty_database)
        assert done.returncode == 0, done.stderr
    assert _row(empty_database, "select count(*) from invoice_lines") == (100,)


def test_a_missing_file_is_one_message_that_names_the_mend(tmp_path: Path) -> None:
    done = _run(str(_EXAMPLE / "load.py"), CHURN_SHARED=str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path / "data" / "online_retail" / "online_retail.parquet") in done.stderr
    assert "CHURN_SHARED" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_file_is_refused_before_the_table_is_touched(tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"Invoice": ["1"], "Price": [2.0]}), other)
    done = _run(str(_EXAMPLE / "load.py"), "--data", str(other), CHURN_SOURCE__URL="postgresql://localhost:1/none")
    assert done.returncode == 2
    assert "Invoice, Price" in done.stderr


# ---------------------------------------------------------------- the mapping


def test_every_invoice_is_one_payment(source: str) -> None:
    counts = "count(*), count(distinct payment_id), count(*) filter (where customer_id is null)"
    assert _mapped(source, "payments", counts) == (_INVOICES, _INVOICES, _WITHOUT_CUSTOMER)


def test_the_payments_add_up_to_the_lines_without_duplicates_and_bookkeeping(source: str) -> None:
    bookkeeping = """
        select count(*), sum(l."Quantity" * cast(l."UnitPrice" as numeric))
        from (select distinct * from invoice_lines) as l
        where l."StockCode" in ('M', 'm', 'D', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK')
    """
    assert _row(source, bookkeeping) == (_BOOKKEEPING_LINES, _BOOKKEEPING_TOTAL)
    (total,) = _mapped(source, "payments", "sum(amount)")
    assert total == _TOTAL - _DUPLICATES_TOTAL - _BOOKKEEPING_TOTAL - _PARTS_OF_A_PENNY


def test_a_cancellation_is_a_refund_and_an_invoice_is_paid(source: str) -> None:
    counts = """
        count(*) filter (where status = 'paid' and amount > 0),
        sum(amount) filter (where status = 'paid'),
        count(*) filter (where status = 'paid' and amount = 0),
        count(distinct customer_id) filter (where status = 'paid' and amount > 0),
        count(*) filter (where status = 'refunded' and amount <= 0),
        count(*) filter (where status = 'refunded' and amount < 0),
        sum(amount) filter (where status = 'refunded'),
        count(*)
    """
    assert _mapped(source, "payments", counts, "where customer_id is not null") == (
        _PURCHASES,
        _PURCHASES_TOTAL,
        _WORTH_NOTHING,
        _BUYERS,
        _REFUNDS,
        _REFUNDS_OF_GOODS,
        _REFUNDS_TOTAL,
        _INVOICES - _WITHOUT_CUSTOMER,
    )


def test_a_slip_that_was_corrected_by_hand_is_no_purchase(source: str) -> None:
    # 4,161.06 was entered twice and taken back by C573079, all within seven minutes.
    slip = "where payment_id in ('573077', '573080', 'C573079')"
    assert _mapped(source, "payments", "count(*), min(amount), max(amount)", slip) == (3, 0, 0)


def test_postage_is_part_of_what_was_paid(source: str) -> None:
    lines = """
        select l."InvoiceNo", sum(l."Quantity" * cast(l."UnitPrice" as numeric)) from invoice_lines as l
        group by l."InvoiceNo"
        having bool_and(l."StockCode" in ('POST', 'DOT', 'C2')) and count(*) = 1 and sum(l."Quantity") > 0
        order by l."InvoiceNo" limit 1
    """
    number, billed = _row(source, lines)
    assert _mapped(source, "payments", "amount", f"where payment_id = '{number}'") == (billed,)


def test_a_line_that_is_there_twice_counts_once(source: str) -> None:
    # Four items of the invoice are written twice: 1.25, 4.95, 2.10 and 2.95.
    lines = """select sum("Quantity" * cast("UnitPrice" as numeric)) from invoice_lines where "InvoiceNo" = '536409'"""
    (billed,) = _row(source, lines)
    (amount,) = _mapped(source, "payments", "amount", "where payment_id = '536409'")
    assert billed - amount == Decimal("11.25")


def test_an_invoice_written_over_two_minutes_is_paid_at_the_first(source: str) -> None:
    spread = """
        select l."InvoiceNo", min(l."InvoiceDate") from invoice_lines as l
        group by l."InvoiceNo" having count(distinct l."InvoiceDate") > 1 order by 1 limit 1
    """
    number, first = _row(source, spread)
    assert _mapped(source, "payments", "paid_at", f"where payment_id = '{number}'") == (first,)


def test_there_is_one_customer_for_each_number(source: str) -> None:
    counts = "count(*), count(distinct customer_id), min(signed_up_at), count(*) filter (where country is null)"
    assert _mapped(source, "customers", counts) == (
        _CUSTOMERS,
        _CUSTOMERS,
        datetime(2010, 12, 1, 8, 26),
        0,
    )


def test_a_customer_in_two_countries_gets_that_of_the_latest_invoice(source: str) -> None:
    latest = """
        select l."Country" from invoice_lines as l
        where l."CustomerID" = 12431 order by l."InvoiceDate" desc limit 1
    """
    (countries,) = _row(source, 'select count(distinct "Country") from invoice_lines where "CustomerID" = 12431')
    assert countries == 2
    assert _mapped(source, "customers", "country", "where customer_id = 12431") == _row(source, latest)


def test_customer_ids_stay_integers_in_the_source(source: str) -> None:
    for entity in ("customers", "payments"):
        assert _mapped(source, entity, "pg_typeof(customer_id)::text", "limit 1") == ("integer",)


def test_the_readme_of_the_example_tells_these_counts() -> None:
    told = (_EXAMPLE / "README.md").read_text(encoding="utf-8").replace("−", "-")
    counts = (
        *(_LINES, _INVOICES, _CUSTOMERS, _LINES_WITHOUT_CUSTOMER, _CANCELLATION_LINES, _DUPLICATE_LINES, _TOTAL),
        *(_WITHOUT_CUSTOMER, _DUPLICATES_TOTAL, _BOOKKEEPING_TOTAL, _PARTS_OF_A_PENNY, _BUYERS, _ACTIVE_CUSTOMERS),
        *(_PURCHASES, _PURCHASES_TOTAL, _REFUNDS, _REFUNDS_TOTAL, _REFUNDS - _REFUNDS_OF_GOODS),
    )
    assert [count for count in counts if f"{count:,}" not in told] == []


# ---------------------------------------------------------------- the commands


def _churn(folder: Path, *words: str) -> str:
    done = run_churn(*words, "--config", str(folder / "churn.toml"))
    assert done.code == 0, f"churn {' '.join(words)}: {done.text}"
    return done.out


@pytest.mark.slow
def test_the_commands_of_the_readme_publish_the_retailer(
    source: str, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "online_retail"
    shutil.copytree(_EXAMPLE / "source", folder / "source")
    shutil.copy(_EXAMPLE / "churn.toml", folder)
    monkeypatch.setenv("CHURN_SOURCE__URL", source)
    monkeypatch.setenv("CHURN_WAREHOUSE__URL", empty_database)
    _churn(folder, "migrate")
    _churn(folder, "extract")
    _check_what_training_says(_churn(folder, "train", "--as-of", _AS_OF), empty_database)
    published = _churn(folder, "nightly", "--as-of", _AS_OF)
    assert f"{_ACTIVE_CUSTOMERS:,} customers" in published

    _check_what_was_read(empty_database)
    _check_the_model(empty_database)
    _check_the_night(empty_database)


def _check_what_was_read(url: str) -> None:
    """Three jobs read the source; each used or put aside every row of it."""
    read = "select entity, rows_read, rows_used, rows_quarantined, count(*) from ops.extractions group by 1, 2, 3, 4"
    assert sorted(map(tuple, _rows(url, read))) == [
        ("customers", _CUSTOMERS, _CUSTOMERS, 0, 3),
        ("payments", _INVOICES, _INVOICES - _WITHOUT_CUSTOMER, _WITHOUT_CUSTOMER, 3),
    ]
    staged = """
        select
            count(*) filter (where status = 'paid' and amount > 0), sum(amount) filter (where status = 'paid'),
            count(*) filter (where status = 'refunded'), sum(amount) filter (where status = 'refunded')
        from staging.payments
    """
    assert _row(url, staged) == (_PURCHASES, _PURCHASES_TOTAL, _REFUNDS, _REFUNDS_TOTAL)
    put_aside = (
        "select check_name, rows, count(*) from bi.data_quality where check_name like 'quarantine:%' group by 1, 2"
    )
    assert _row(url, put_aside) == ("quarantine:payments:customer_missing", _WITHOUT_CUSTOMER, 3)
    refused = "select count(*) from bi.data_quality where severity = 'fail' and status = 'failed'"
    assert _row(url, refused) == (0,)


def _check_what_training_says(told: str, url: str) -> None:
    """One year of data: what was shared, what is not known, and how the model stands beside others."""
    told = " ".join(told.split())
    assert "half of its customers; the other half calibrates" in told
    assert "not validated across seasons" in told
    figures = {
        row.predictor: row
        for row in _rows(url, "select * from ops.performance_figures where segment = '' and figure = 'log_loss'")
    }
    for row in figures.values():
        assert row.low < row.value < row.high
        assert f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" in told
    model = figures["model"].value
    assert model < figures["recency"].value
    assert "Not shown to be ahead of the recency rule" not in told
    assert model < figures["logistic_regression"].value or "Not shown to be ahead of logistic regression" in told


def _check_the_model(url: str) -> None:
    """Out of time the model ranks better than recency and says more than the base rate."""
    (figures,) = _rows(url, "select * from bi.model_performance")
    assert figures.evaluation == "out_of_time"
    assert figures.model_status == "champion"
    assert 0.5 < figures.base_rate < 0.75
    assert figures.auc_roc > figures.baseline_auc + 0.1
    assert figures.auc_roc_low < figures.auc_roc < figures.auc_roc_high
    assert figures.log_loss < figures.base_rate_log_loss - 0.05
    assert 0.8 < figures.calibration_slope < 1.2
    assert figures.to_as_of_date < date.fromisoformat(_AS_OF) - timedelta(days=30)


def _check_the_night(url: str) -> None:
    """One published night: everybody who ordered in the last 90 days, each in a segment, the list from among them."""
    scores = """
        select
            count(*), count(distinct customer_id), min(as_of_date), max(as_of_date), bool_or(in_sample),
            bool_and(churn_probability between 0 and 1 and clv > 0 and clv_if_retained >= clv and value_at_risk >= 0),
            bool_and(customer_id ~ '^1[2-8][0-9]{3}$'), bool_and(mrr is null)
        from bi.customer_scores
    """
    night = date.fromisoformat(_AS_OF)
    assert _row(url, scores) == (_ACTIVE_CUSTOMERS, _ACTIVE_CUSTOMERS, night, night, False, True, True, True)
    segments = "select sum(customers), count(*) = count(distinct segment), count(*) > 1, round(sum(share)::numeric, 9)"
    assert _row(url, f"{segments} from bi.segments") == (_ACTIVE_CUSTOMERS, True, True, 1)
    listed = """
        select
            count(*), count(distinct customer_id), min(priority_rank), max(priority_rank),
            count(distinct campaign_group)
        from bi.at_risk_customers inner join bi.customer_scores using (customer_id)
    """
    assert _row(url, listed) == (250, 250, 1, 250, 2)
    runs = "select job, status, published from bi.job_runs order by run_id"
    assert list(map(tuple, _rows(url, runs))) == [
        ("extract", "succeeded", False),
        ("train", "succeeded", False),
        ("nightly", "succeeded", True),
    ]
