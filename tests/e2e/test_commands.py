"""The commands as a user types them: what they print, what they write, what they leave alone."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow.parquet
import pytest

import churn
from churn import embedded
from churn.matrix import FeatureNames
from churn.migrate import bi_views
from churn.risk import RiskModel, TrainSettings
from churn.risk.calibration import Calibrator
from churn.risk.logistic import LogisticModel
from churn.sqlfiles import read_sql
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.bad_input_source import (
    AS_OF,
    REPOSITORY,
    Outcome,
    Shop,
    assert_one_message,
    fill_shop,
    free_port,
    run_churn,
    run_process,
)

ENTITIES = ("customers", "subscriptions", "payments", "usage_events", "support_tickets")
NO_SOURCE = "postgresql://127.0.0.1:1/shop"
MakeShop = Callable[..., Shop]


@pytest.fixture(scope="module")
def templates(make_template: MakeTemplate, tmp_path_factory: Any) -> dict[str, str]:
    """Databases to copy: a shop whose warehouse is migrated and empty, and one with a published night."""

    def fill(url: str) -> None:
        fill_shop(url, tmp_path_factory.mktemp("fill"), customers=40, night=None)

    def publish(url: str) -> None:
        fill_shop(url, tmp_path_factory.mktemp("fill"), customers=40, night=AS_OF)

    return {"migrated": make_template("commands_migrated", fill), "published": make_template("commands_night", publish)}


@pytest.fixture
def make_shop(templates: dict[str, str], make_database: MakeDatabase, tmp_path: Path) -> MakeShop:
    """Make shops that are this test's alone."""
    made: list[Shop] = []

    def make(template: str) -> Shop:
        made.append(Shop(tmp_path / f"shop_{len(made)}", make_database(templates[template])))
        return made[-1]

    return make


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    """A shop with a published night."""
    return make_shop("published")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder of its own with an empty churn.toml, and so an embedded Postgres of its own."""
    with tempfile.TemporaryDirectory(prefix="churn-closed-") as folder:
        (Path(folder) / "churn.toml").write_text("")
        try:
            yield Path(folder)
        finally:
            embedded.destroy(Path(folder) / ".churn")


# ---------------------------------------------------------------- the line


def test_common_options_may_stand_anywhere(shop):
    config = str(shop.config)
    for line in (
        ["--config", config, "migrate", "--dry-run"],
        ["migrate", "--config", config, "--dry-run"],
        ["migrate", "--dry-run", f"--config={config}"],
        ["--debug", "migrate", "--dry-run", "--config", config],
        ["migrate", "--config", config, "--dry-run", "--debug"],
    ):
        done = run_churn(*line)
        assert (done.code, "revision" in done.out) == (0, True), (line, done.text)


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path):
    config = tmp_path / "churn.toml"
    config.write_text("[chrun]\n")
    for line in (["--debug", "status"], ["status", "--debug"]):
        done = run_churn(*line, "--config", str(config))
        assert (done.code, "Traceback" in done.err) == (10, True)
    assert "Traceback" not in run_churn("status", "--config", str(config)).err


def test_the_version_is_printed():
    done = run_churn("--version")
    assert (done.code, done.out) == (0, f"churn {churn.__version__}\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["nightli"], "No such command 'nightli'"),
        (["nightly", "--as-off", "2025-06-30"], "No such option: --as-off"),
        (["export", "everything"], "at-risk"),
        (["nightly", "--config"], "--config"),
        (["--debug"], "Missing command"),
        (["db", "restart"], "No such command 'restart'"),
    ],
)
def test_a_line_that_makes_no_sense_ends_with_2_and_starts_nothing(line, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_churn(*line)
    assert done.code == 2
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_file_that_is_not_there_is_named():
    assert_one_message(run_churn("nightly", "--config", "nowhere.toml"), 10, r"nowhere\.toml", "churn init")


def test_a_folder_that_is_not_ours_is_refused_and_stays_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CHURN_SOURCE__URL", "CHURN_WAREHOUSE__URL"):
        monkeypatch.delenv(name, raising=False)
    for command in ("status", "doctor", "nightly", "migrate"):
        assert_one_message(run_churn(command), 10, r"There is no churn\.toml in ", "churn init")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- init


def test_init_writes_the_files_and_says_what_comes_next(tmp_path):
    done = run_churn("init", "--dir", str(tmp_path / "new"))
    assert done.code == 0
    files = {str(file.relative_to(tmp_path / "new")) for file in (tmp_path / "new").rglob("*") if file.is_file()}
    assert files == {"churn.toml", *(f"source/{name}.sql" for name in ENTITIES)}
    assert (tmp_path / "new" / "churn.toml").stat().st_mode & 0o777 == 0o600
    for words in ("source.url", "churn doctor", *files):
        assert words in done.out


def test_init_overwrites_nothing_unless_forced(tmp_path):
    (tmp_path / "source").mkdir()
    mine = tmp_path / "source" / "payments.sql"
    mine.write_text("select 1")
    assert_one_message(run_churn("init", "--dir", str(tmp_path)), 10, r"payments\.sql", "--force")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [mine]
    assert mine.read_text() == "select 1"
    assert run_churn("init", "--dir", str(tmp_path), "--force").code == 0
    assert "payment_id" in mine.read_text()


def test_init_where_no_folder_can_be_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    assert_one_message(run_churn("init", "--dir", str(tmp_path / "file")), 10, "can't be written", "folder")


def test_the_templates_of_init_fit_the_tables_that_they_name(make_shop):
    shop = make_shop("migrated")
    done = run_churn("init", "--dir", str(shop.folder), "--force")
    assert done.code == 0
    shop.configure()
    done = shop.run("extract", "--as-of", AS_OF)
    assert done.code == 0, done.err


# ---------------------------------------------------------------- doctor


def findings(done: Outcome) -> list[tuple[str, str]]:
    return [(line[:4].strip(), line[6:]) for line in done.out.splitlines()]


def warned(done: Outcome) -> set[str]:
    return {what.split("→")[0].strip() for status, what in findings(done) if status == "warn"}


# The shop of these tests: superusers on a socket, data that end in 2025, nobody to tell.
OF_THE_SHOP = {
    "source: postgres is a superuser",
    "warehouse: login postgres is a superuser",
    "alerts: nobody is told when a night fails",
}


def test_a_good_setup_has_only_good_lines(shop):
    model = RiskModel(
        kind="logistic", names=FeatureNames(("tenure_days",)), booster_text="",
        logistic=LogisticModel((0.0,), (1.0,), (), -3.0, (0.0, 0.0)), calibrator=Calibrator(),
        first_as_of=date(2024, 6, 1), last_as_of=date(2025, 4, 1), labels_end=date(2025, 5, 15), base_rate=0.05,
        trees=0, settings=TrainSettings(horizon_days=30, grace_days=14),
    )  # fmt: skip
    shop.execute(
        "insert into ops.models (model_version, kind, status, artifact, sha256, trained_as_of, created_at, run_id, "
        "reason, details) values ('churn-20250601-1', 'churn', 'champion', :artifact, :sha256, current_date, "
        "'2025-06-01', 1, '', '{}')",
        artifact=model.to_text(),
        sha256=model.sha256,
    )
    done = shop.run("doctor")
    assert done.code == 0
    assert {status for status, _ in findings(done)} == {"ok", "warn"}, done.out
    (old,) = warned(done) - OF_THE_SHOP
    assert old.startswith("source usage_events: nothing new for")
    for words in (
        "configuration", "LightGBM", "source: connected", "source: session of postgres is read only", *ENTITIES,
        "counted; the newest of 2025-06-", "warehouse: connected", "no pooler", "migrated", "owns its", "on disk",
        "roles bi_reader, churn_job", "last extracted", "published 2025-06-30", "churn-20250601-1", "alerts: 0 open",
    ):  # fmt: skip
        assert words in done.out


def test_an_optional_entity_that_is_absent_is_good_too(shop):
    shop.map(support_tickets=None)
    assert ("ok", "source support_tickets: not mapped: its features are left out") in findings(shop.run("doctor"))


def test_the_doctor_looks_on_after_a_failure_and_each_has_its_mend(make_shop, empty_database):
    shop = make_shop("migrated")
    trouble = {
        "source unreachable": ({"source__url": NO_SOURCE}, {}, 11),
        "mapping": ({}, {"payments": "select 1 as payment_id", "customers": "select nope from customers"}, 12),
        "not migrated": ({"warehouse__url": empty_database}, {}, 15),
        "both": ({"source__url": None, "warehouse__url": NO_SOURCE}, {}, 10),
    }
    good = dict(shop.values)
    for name, (keys, selects, code) in trouble.items():
        shop.configure(**keys)
        shop.map(**selects)
        done = shop.run("doctor")
        failed = [what for status, what in findings(done) if status == "fail"]
        assert (done.code, bool(failed)) == (code, True), (name, done.text)
        assert all("→" in what for what in failed), (name, failed)
        assert len(findings(done)) >= 4
        shop.values = dict(good)
        shop.map(**{entity: (REPOSITORY / "sql" / "source" / f"{entity}.sql").read_text() for entity in selects})
    shop.configure()
    assert warned(shop.run("doctor")) - OF_THE_SHOP >= {
        "warehouse: nothing was extracted yet",
        "warehouse: no night is published yet",
        "model: none; nights are ranked by recency; no model has been trained",
    }


# ---------------------------------------------------------------- migrate, dry runs


def test_migrating_twice_changes_nothing(shop):
    before = shop.contents(), shop.published()
    done = shop.run("migrate")
    assert (done.code, done.out) == (0, "The warehouse is up to date.\n")
    assert (shop.contents(), shop.published()) == before


def test_a_dry_migration_says_what_it_would_do_and_does_nothing(shop, empty_database):
    done = shop.run("migrate", "--dry-run")
    assert (done.code, "as it should be" in done.out) == (0, True)
    shop.configure(warehouse__url=empty_database)
    done = shop.run("migrate", "--dry-run")
    assert (done.code, "at revision none; `churn migrate` would bring it to" in done.out) == (0, True)
    empty = Shop(shop.folder / "empty", empty_database)
    assert empty.contents() == {}
    assert empty.value("select count(*) from pg_namespace where nspname in ('ops', 'bi')") == 0
    done = shop.run("migrate")
    assert done.code == 0
    for words in (
        "Made the warehouse, revision ",
        "schemas staging, scores, ops and bi",
        "Roles: bi_reader, churn_job",
    ):
        assert words in done.out


@pytest.mark.parametrize("template", ["migrated", "published"])
def test_a_dry_run_writes_nothing(make_shop, template):
    shop = make_shop(template)
    before = shop.contents(), shop.published()
    words = {"extract": "customers", "train": "month-end snapshots", "nightly": "publish: would"}
    for command, expected in words.items():
        done = shop.run(command, "--as-of", AS_OF, "--dry-run")
        assert (done.code, expected in done.out) == (0, True), done.text
        assert (shop.contents(), shop.published()) == before, command
    assert_one_message(shop.run("nightly", "--as-of", "2999-01-01", "--dry-run"), 2, "future")


def test_the_hash_that_dry_runs_are_judged_by_sees_a_change(shop):
    before = shop.contents()
    shop.execute("update ops.runs set error = 'x'")
    assert {name for name, value in shop.contents().items() if before[name] != value} == {"ops.runs"}


# ---------------------------------------------------------------- nightly, jobs, status


def without_run(views: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(re.sub(r"'run_id': \d+", "", row) for row in rows) for name, rows in views.items()}


def test_the_job_file_does_what_the_command_does(make_shop):
    command, job = make_shop("migrated"), make_shop("migrated")
    first = run_process("-m", "churn", "nightly", "--as-of", AS_OF, folder=command.folder)
    second = run_process("-m", "jobs.nightly", "--as-of", AS_OF, folder=job.folder)
    assert (first.code, first.out) == (0, "Published 32 customers for 2025-06-30 (run 1, model recency-rule).\n")
    assert (second.code, second.out) == (first.code, first.out)
    assert job.published() == command.published()
    refused = run_process("-m", "jobs.nightly", "--as-of", "2999-01-01", folder=job.folder)
    assert_one_message(refused, 2, "future")


def test_a_night_run_twice_is_published_once(shop):
    before = without_run(shop.published())
    assert shop.nightly().code == 0
    assert without_run(shop.published()) == before
    assert shop.value("select count(*) from bi.job_runs where published") == 1
    assert shop.value("select count(*) from bi.job_runs") == 2


def test_logs_are_json_with_run_night_and_stage(make_shop):
    shop = make_shop("migrated")
    events = [json.loads(line) for line in shop.nightly().err.splitlines()]
    assert {(event["run_id"], event["as_of"], event["job"]) for event in events} == {(1, AS_OF, "nightly")}
    started = [event["stage"] for event in events if event["event"] == "stage started"]
    assert started == [event["stage"] for event in events if event["event"] == "stage finished"]
    assert started[0] == "extract"
    assert started[-1] == "publish"


def test_a_terminal_gets_bars_and_no_json(shop):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "churn", "nightly", "--as-of", AS_OF, "--config", str(shop.config)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the other end closes: the command has ended
            while part := os.read(ours, 4096):
                shown += part
        out = process.stdout.read() if process.stdout else ""
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert out == "Published 32 customers for 2025-06-30 (run 2, model recency-rule).\n"
    for words in ("nightly", "extract", "features", "publish", "32 rows", "✓"):
        assert words in text, words
    assert '"event"' not in text


def test_status_tells_of_nothing_of_a_night_and_of_a_failure(make_shop):
    shop = make_shop("migrated")
    done = shop.run("status")
    assert done.code == 0
    for words in (
        "EMPTY: no night yet.",
        "Published: nothing yet.",
        "Do next: churn train, then churn nightly",
        "Model: none",
        "Last runs: none yet",
        "Next nightly: ",
    ):
        assert words in done.out
    assert shop.nightly().code == 0
    done = shop.run("status")
    for words in (f"Published: {AS_OF}, run 1", "succeeded", "Next train: "):
        assert words in done.out
    shop.map(payments="select 1 as payment_id from payments")
    assert shop.nightly().code == 12
    done = shop.run("status")
    assert done.code == 0
    assert f"Published: {AS_OF}, run 1" in done.out
    state, _, do_next = done.out.splitlines()[:3]
    assert "source/payments.sql lacks customer_id" in state
    assert do_next.startswith("Do next: churn doctor")


# ---------------------------------------------------------------- export


HEADERS = {
    what: [key.removeprefix("type.") for key in read_sql(f"export/{file}.sql").header if key.startswith("type.")]
    for what, file in {"at-risk": "at_risk", "scores": "scores", "segments": "segments"}.items()
}


def exported(shop: Shop, *arguments: str, file: Path | None = None) -> bytes:
    done = shop.run("export", *arguments, *([] if file is None else ["--output", str(file)]))
    assert done.code == 0, done.err
    assert "rows" in done.err
    return done.raw if file is None else file.read_bytes()


def csv_rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


@pytest.mark.parametrize("what", sorted(HEADERS))
def test_every_export_has_the_same_rows_and_columns_in_every_format(shop, what, tmp_path):
    found: dict[str, Any] = {}
    for fmt in ("csv", "jsonl", "parquet"):
        file = tmp_path / f"out.{fmt}"
        in_file = exported(shop, what, "--format", fmt, file=file)
        assert exported(shop, what, "--format", fmt) == in_file
        found[fmt] = in_file
    header, *lines = csv.reader(io.StringIO(found["csv"].decode(), newline=""))
    objects = [json.loads(line) for line in found["jsonl"].splitlines()]
    table = pyarrow.parquet.read_table(io.BytesIO(found["parquet"]))
    assert header == list(objects[0]) == table.column_names == HEADERS[what]
    assert len(lines) == len(objects) == table.num_rows > 2
    key = "segment" if what == "segments" else "customer_id"
    assert [line[header.index(key)] for line in lines] == [row[key] for row in objects] == table[key].to_pylist()
    money = "avg_clv" if what == "segments" else "clv_if_retained"
    amounts = [Decimal(line[header.index(money)]) for line in lines]
    assert amounts == table[money].to_pylist()
    assert [float(amount) for amount in amounts] == [row[money] for row in objects]


def test_the_holdout_is_left_out_unless_asked(shop):
    arms = {row["customer_id"]: row["campaign_group"] for row in shop.rows("select * from bi.at_risk_customers")}
    assert set(arms.values()) == {"treatment", "holdout"}
    without = [json.loads(line) for line in exported(shop, "at-risk", "--format", "jsonl").splitlines()]
    with_them = [
        json.loads(line) for line in exported(shop, "at-risk", "--format", "jsonl", "--include-holdout").splitlines()
    ]
    assert {row["customer_id"] for row in without} == {name for name, arm in arms.items() if arm == "treatment"}
    assert {row["customer_id"]: row["campaign_group"] for row in with_them} == arms
    assert [row["priority_rank"] for row in with_them] == list(range(1, len(arms) + 1))


def test_who_opts_out_after_the_list_was_frozen_is_not_exported(shop):
    first = json.loads(exported(shop, "at-risk", "--format", "jsonl").splitlines()[0])["customer_id"]
    shop.execute(f"update customers set contactable = false where customer_id = '{first}'")
    assert shop.run("extract", "--as-of", AS_OF).code == 0
    assert first not in {row["customer_id"] for row in csv_rows(exported(shop, "at-risk", "--include-holdout"))}


def test_an_export_that_fails_leaves_no_file_and_an_old_one_as_it_was(shop, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    old = folder / "old.csv"
    old.write_text("last week's")
    definition = shop.value("select pg_get_viewdef('bi.customer_scores_history')").rstrip(";")
    broken = definition.replace(
        "s.clv,", "cast(s.clv / (case when k.customer_id = 'c9' then 0 else 1 end) as numeric) as clv,", 1
    )
    assert broken != definition
    shop.execute(f"set local role churn_job; create or replace view bi.customer_scores_history as {broken}")
    for fmt in ("csv", "jsonl", "parquet"):
        for file in (old, folder / "new.csv"):
            done = shop.run("export", "scores", "--format", fmt, "-o", str(file))
            assert_one_message(done, 15, "division by zero")
    assert [file.name for file in folder.iterdir()] == ["old.csv"]
    assert old.read_text() == "last week's"


def test_an_export_replaces_an_old_file_whole(shop, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("x" * 100_000)
    exported(shop, "segments", file=file)
    assert file.read_bytes() == exported(shop, "segments")


def test_where_nothing_can_be_exported_the_message_says_what_to_do(make_shop, tmp_path):
    shop = make_shop("published")
    assert_one_message(
        shop.run("export", "scores", "--as-of", "2025-01-01"),
        2,
        "Nothing is published for 2025-01-01",
        "`churn nightly --as-of 2025-01-01`",
    )
    assert_one_message(shop.run("export", "scores", "--as-of", "soon"), 2, "is not a date")
    assert_one_message(shop.run("export", "scores", "-o", str(tmp_path / "no" / "x.csv")), 2, "no folder", "Make it")
    assert_one_message(shop.run("export", "scores", "-o", str(tmp_path)), 2, "is a folder")
    assert_one_message(make_shop("migrated").run("export", "scores"), 2, "Nothing is published", "churn nightly")


@pytest.mark.parametrize(
    "line",
    [
        *(["export", "scores", "--format", fmt] for fmt in ("csv", "jsonl", "parquet")),
        ["export", "segments"],
        ["status"],
    ],
    ids=" ".join,
)
def test_a_command_whose_reader_has_gone_away_ends_well(shop, line):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "churn", *line, "--config", str(shop.config)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=300,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_ids_that_a_spreadsheet_would_run_are_made_harmless(make_shop):
    shop = make_shop("migrated")
    names = ["=HYPERLINK(1)", "+1", "-1", "@x", "fine=1"]
    for number, name in enumerate(names, start=100):
        shop.execute(f"insert into customers values ('{name}', '2025-01-01', true)")
        shop.execute(f"insert into subscriptions values ({number}, '{name}', 'pro', 500, '2025-01-01', null, 1, null)")
    assert shop.nightly().code == 0
    for what in ("scores", "at-risk"):
        more = ["--include-holdout"] if what == "at-risk" else []
        written = {row["customer_id"] for row in csv_rows(exported(shop, what, *more))}
        assert {"'=HYPERLINK(1)", "'+1", "'-1", "'@x", "fine=1"} <= written
        assert not written & set(names[:4])


def test_a_folder_of_nights_is_brought_up_to_date(shop, tmp_path):
    line = ["export", "scores", "--from", "2025-06-01", "--to", AS_OF, "--output", str(tmp_path)]
    first, again = shop.run(*line), shop.run(*line)
    assert (first.code, again.code) == (0, 0), first.err + again.err
    file = tmp_path / f"scores-{AS_OF}.csv"
    assert file.read_bytes() == exported(shop, "scores")
    assert f"rows to {file}" in first.err
    assert f"rows already in {file}" in again.err


def test_the_list_goes_into_a_table_as_often_as_one_likes(shop):
    shop.execute("create schema marketing authorization churn_job")
    for _ in range(2):
        done = shop.run("export", "at-risk", "--table", "marketing.at_risk")
        assert done.code == 0, done.err
    there = shop.rows("select customer_id from marketing.at_risk order by priority_rank")
    assert [row["customer_id"] for row in there] == [row["customer_id"] for row in csv_rows(exported(shop, "at-risk"))]
    assert f"rows of {AS_OF} to marketing.at_risk" in done.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["scores", "--from", "2025-06-01"], "--output FOLDER"),
        (["scores", "--to", "2025-06-01", "-o", "."], "--to needs --from"),
        (["scores", "--from", "2025-06-01", "--as-of", "2025-06-02", "-o", "."], "Leave one of them out"),
        (["scores", "--from", "2025-07-01", "--to", "2025-06-01", "-o", "."], "is after --to"),
        (["at-risk", "--from", "2999-01-01", "-o", "."], r"--from 2999-01-01 is after today, 20\d\d"),
        (["scores", "--table", "a.b"], "takes the at-risk list"),
        (["at-risk", "--table", "a.b", "-o", "x"], "takes neither --output"),
        (["at-risk", "--table", "a.b", "--from", "2025-06-01"], "takes neither --output"),
        (["at-risk", "--table", "ops.b"], "not yours to write to"),
        (["at-risk", "--table", "nowhere.b"], "create schema"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused(shop, line, words):
    assert_one_message(shop.run("export", *line), 2, words)


# ---------------------------------------------------------------- views


def test_every_view_and_column_has_a_comment_and_its_example_runs(shop):
    bare = shop.rows(
        "select c.relname, a.attname from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid "
        "where c.relnamespace = 'bi'::regnamespace and a.attnum > 0 and col_description(c.oid, a.attnum) is null"
    )
    assert bare == []
    assert shop.views() == [view.name for view in bi_views()]
    for view in bi_views():
        shop.rows(view.header["example"])


# ---------------------------------------------------------------- db


def test_the_embedded_postgres_is_started_shown_and_stopped(home):
    def churn_db(*arguments: str) -> Outcome:
        return run_process("-m", "churn", "db", *arguments, folder=home)

    assert churn_db("stop").out == "It was not running.\n"
    assert "is running" in churn_db("start").out
    url = churn_db("url").out.strip()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select current_database()")
        assert cursor.fetchone() == ("warehouse",)
    shown = churn_db("psql", "--csv", "-c", "select 1 as one")
    assert (shown.code, shown.out) == (0, "one\n1\n")
    assert churn_db("psql", "-c", "select nope").code == 1
    assert_one_message(churn_db("url", "--role", "bi_reader"), 2, "socket alone", "churn db start --tcp-port")
    assert churn_db("stop").out == "Stopped.\n"
    assert churn_db("stop").out == "It was not running.\n"


def test_a_bi_tool_gets_an_address_with_a_password_that_opens_the_views_alone(home):
    config = str(home / "churn.toml")
    assert run_churn("db", "start", "--tcp-port", str(free_port()), "--config", config).code == 0
    assert_one_message(run_churn("db", "url", "--role", "bi_reader", "--config", config), 15, "churn migrate")
    assert run_churn("migrate", "--config", config).code == 0
    url = run_churn("db", "url", "--role", "bi_reader", "--config", config).out.strip()
    assert re.fullmatch(r"postgresql://bi_reader:[\w-]{20,}@127\.0\.0\.1:\d+/warehouse", url)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from bi.customer_scores")
        assert cursor.fetchone() == (0,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select * from ops.runs")


def test_a_postgres_of_your_own_has_no_embedded_address(tmp_path):
    config = tmp_path / "churn.toml"
    config.write_text('[warehouse]\nurl = "postgresql://me:swordfish-4711@db.example.com/dw"\n')
    for arguments in (["url"], ["psql"]):
        assert_one_message(run_churn("db", *arguments, "--config", str(config)), 2, "Postgres of your own")


def test_a_port_that_can_not_be_had_is_refused(home):
    done = run_churn("db", "start", "--tcp-port", "80", "--config", str(home / "churn.toml"))
    assert_one_message(done, 2, "80 is not a usable port", "1024")
