"""What was really sent: rows taken, known, refused and why; campaigns drawn elsewhere."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from churn import campaigns
from churn.campaigns.recording import table_chunks
from churn.campaigns.sheets import open_sheet
from churn.errors import DataContractError, UsageError
from churn.spreadsheets import harmless
from churn.sqlfiles import read_sql
from tests.sql.campaigns.office import Marketing, date_at
from tests.sql.nights import Nights, score
from tests.sql.staging_tables import AS_OF, Staging, day

SENT = date_at(-10).isoformat()
HEAD = "customer_id,sent_date,offer,channel,cost\n"


@pytest.fixture
def office(staging: Staging) -> Marketing:
    """Campaign `nightly`: c1, c2, c3 to be contacted, c4 held out, c9 is in no campaign."""
    made = Marketing(staging)
    made.customers(1, 2, 3, 4, 9)
    made.campaign("nightly")
    for key in (1, 2, 3):
        made.member("nightly", key, entered=-12)
    made.member("nightly", 4, "holdout", entered=-12)
    return made


def contacts(office: Marketing) -> set[tuple[Any, ...]]:
    return {
        (row["customer_key"], row["sent_date"].isoformat(), row["offer"], row["channel"], row["cost"])
        for row in office.rows("ops.campaign_contacts")
    }


def reasons(recording: Any) -> dict[str, int]:
    return {refusal.reason: refusal.rows for refusal in recording.refusals}


def test_what_was_sent_is_recorded(office: Marketing) -> None:
    done = office.record(HEAD + f"c1,{SENT},call,phone,4.50\nc2,{SENT},,mail,\n")
    assert (done.rows_read, done.rows_used, done.rows_known, done.rows_refused, done.contacts) == (2, 2, 0, 0, 2)
    assert contacts(office) == {(1, SENT, "call", "phone", Decimal("4.5")), (2, SENT, "call", "mail", None)}


def test_the_same_file_twice_adds_nothing(office: Marketing) -> None:
    sheet = HEAD + f"c1,{SENT},call,phone,4.50\nc2,{SENT},call,phone,4.50\n"
    office.record(sheet)
    before = contacts(office)
    again = office.record(sheet)
    assert (again.rows_used, again.rows_known, again.contacts) == (0, 2, 0)
    assert contacts(office) == before
    kept = office.rows("ops.campaign_recordings")
    assert len({row["sha256"] for row in kept}) == 1
    assert sorted(row["rows_used"] for row in kept) == [0, 2]


@pytest.mark.parametrize(
    "text",
    [
        "customer_id,sent_date\r\nc1,{sent}\r\n",
        "\ufeffcustomer_id;sent_date\nc1;{sent}\n",
        "Customer_ID\tSent_At\nc1\t{sent} 23:59\n",
        '"customer_id","sent_date","note"\n"c1","{sent}","two\nlines, ""quoted"""\n\n',
        "customer_id,sent_at\nc1,{sent}T10:00:00Z",
        "customer_id,sent_date\rc1,{sent}\r",
        '"customer_id","sent_date","note"\r"c1","{sent}","two\rlines"\r',
        "customer_id,sent_date,offer,cost\nc1,{sent}\n",
        "customer_id,sent_date\nc1,{sent},,, \n",
    ],
)
def test_sheets_are_read_as_spreadsheets_write_them(office: Marketing, text: str) -> None:
    assert office.record(text.format(sent=SENT)).contacts == 1
    assert contacts(office) == {(1, SENT, "call", None, None)}


def test_a_time_counts_on_the_business_s_day(staging: Staging) -> None:
    office = Marketing(staging, business={"timezone": "Asia/Tokyo"})
    office.customers(1)
    office.campaign("nightly")
    office.member("nightly", 1, entered=-12)
    office.record(f"customer_id,sent_at\nc1,{SENT}T20:00:00+00:00\n")
    assert {row[1] for row in contacts(office)} == {date_at(-9).isoformat()}


def test_the_apostrophe_that_our_exports_put_before_a_formula_is_taken_off(office: Marketing) -> None:
    office.connection.execute(sa.text("update staging.customer_keys set customer_id = '=c1' where customer_key = 1"))
    office.record(HEAD + f"'=c1,{SENT},'-20 %,phone,\n")
    assert contacts(office) == {(1, SENT, "-20 %", "phone", None)}


@pytest.mark.parametrize(
    "customer_id",
    ["=1", "-1", "\t=1", "\uff1d1", "\uff0bx", "\ufeff=1", "\u00a0=1", " =1", "\u200b @x", "\n=1", "c'1", "'c1"],
)
def test_a_customer_of_our_export_is_found_whatever_the_export_put_before_the_id(
    office: Marketing, customer_id: str
) -> None:
    named = sa.text("update staging.customer_keys set customer_id = :id where customer_key = 1")
    office.connection.execute(named, {"id": customer_id})
    out = io.StringIO()
    csv.writer(out).writerows([["customer_id", "sent_date"], [harmless(customer_id), SENT]])
    assert office.record(out.getvalue()).contacts == 1


@pytest.mark.parametrize("pieces", [1, 2, 3, 1000])
def test_line_ends_are_the_same_however_the_file_is_cut(pieces: int) -> None:
    data = b"customer_id\r\nc1\rc2\nc3\r\r\nc4"
    sheet = open_sheet((data[at : at + pieces] for at in range(0, len(data), pieces)), "sent.csv", "UTC")
    rows = [line.split(",")[:2] for line in b"".join(sheet.batches()).decode().splitlines()]
    assert rows == [["2", "c1"], ["3", "c2"], ["4", "c3"], ["6", "c4"]]


@pytest.mark.parametrize("moment", ["9999-12-31T23:30Z", "0001-01-01T00:00+05:00"])
def test_a_time_at_the_end_of_the_calendar_is_a_refused_row(staging: Staging, moment: str) -> None:
    office = Marketing(staging, business={"timezone": "Europe/Berlin"})
    office.customers(1)
    office.campaign("nightly")
    office.member("nightly", 1, entered=-12)
    done = office.record(f"customer_id,sent_at\nc1,{SENT}\nc1,{moment}\n", accept_refused=True)
    assert reasons(done) == {"sent_date is no date such as 2026-11-22": 1}


def test_the_list_as_exported_needs_nothing_but_the_day_it_was_sent(office: Marketing) -> None:
    exported = (
        "as_of_date,priority_rank,customer_id,campaign,campaign_group,recommended_action,offer\n"
        "2025-06-19,1,c1,nightly,treatment,call,call\n"
        "2025-06-19,2,c4,nightly,holdout,hold out,call\n"
        "2025-06-19,3,c2,nightly,treatment,call,call\n"
    )
    with pytest.raises(DataContractError, match=r"does not say when it was sent.*--sent-on"):
        office.record(exported)
    done = office.record(exported, sent_on=date_at(-10))
    assert (done.contacts, done.rows_known, done.rows_refused, done.contacted_holdout) == (2, 1, 0, 0)
    assert {row[0] for row in contacts(office)} == {1, 2}


def test_a_contact_of_the_holdout_is_taken_and_told(office: Marketing) -> None:
    done = office.record(HEAD + f"c1,{SENT},call,,\nc4,{SENT},call,,\n")
    assert (done.contacts, done.contacted_holdout) == (2, 1)
    assert "1 of 1 held out were reached all the same" in office.results()["all"]["verdict"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"nobody,{SENT},,,", "unknown customer"),
        (f"c9,{SENT},,,", "not in this campaign"),
        (f",{SENT},,,", "no customer_id"),
        ("c1,yesterday,,,", "sent_date is no date such as 2026-11-22"),
        ("c1,2025-02-30,,,", "sent_date is no date such as 2026-11-22"),
        ("c1,01/06/2025,,,", "sent_date is no date such as 2026-11-22"),
        ("c1,,,,", "no sent_date"),
        (f"c1,{date_at(-13)},,,", "sent before the customer entered"),
        (f"c1,{date_at(1)},,,", "sent in the future"),
        (f"c1,{SENT},,,five", "cost is no amount such as 6.50"),
        (f"c1,{SENT},,,-5", "cost is no amount such as 6.50"),
        (f"c1,{SENT},,,NaN", "cost is no amount such as 6.50"),
        (f"c1,{SENT},all,,", "offer can't be called that"),
        (f"c2,{SENT},,,", "twice in the sheet"),
        (f"c1,{SENT},,,,phone", "more cells than the header has columns"),
        (f"c1,{SENT},,a\0b,", "unreadable characters"),
        (f"{'x' * 201},{SENT},,,", "customer_id too long"),
    ],
)
def test_a_row_that_can_t_be_right_is_refused_with_its_reason(office: Marketing, row: str, reason: str) -> None:
    done = office.record(f"{HEAD}c2,{SENT},,,\n{row}\n", accept_refused=True)
    assert reasons(done) == {reason: 1}
    assert [sample["line"] for sample in done.refusals[0].samples] == [3]
    assert {row[0] for row in contacts(office)} == {2}
    (kept,) = office.rows("ops.campaign_recordings")
    assert kept["refused"][reason]["rows"] == kept["rows_refused"] == 1


@pytest.mark.parametrize(("offset", "taken"), [(-13, False), (-12, True), (-11, True), (0, True), (1, False)])
def test_contacts_lie_between_entry_and_today(office: Marketing, offset: int, taken: bool) -> None:
    sheet = f"customer_id,sent_date\nc2,{SENT}\nc1,{date_at(offset)}\n"
    assert office.record(sheet, accept_refused=True).contacts == 1 + taken


def test_a_sheet_of_which_too_much_is_refused_is_the_wrong_one(office: Marketing) -> None:
    sheet = HEAD + f"c1,{SENT},,,\nc9,{SENT},,,\n"
    with pytest.raises(
        DataContractError, match=r"1 of 2 rows .* nothing was recorded: not in this campaign \(1: line 3"
    ):
        office.record(sheet)
    assert contacts(office) == set()
    assert office.record(sheet, accept_refused=True).contacts == 1


def test_samples_name_customers_and_nothing_else_that_a_wrong_file_may_hold(office: Marketing) -> None:
    done = office.record(HEAD + f"c1,{SENT},,,\njane@example.com,{SENT},,,\nc9,{SENT},,,\n", accept_refused=True)
    assert {refusal.reason: refusal.samples for refusal in done.refusals} == {
        "unknown customer": ({"line": 3},),
        "not in this campaign": ({"line": 4, "customer_id": "c9"},),
    }


def test_one_bad_row_of_twenty_does_not_stop_the_others(office: Marketing) -> None:
    office.customers(*range(100, 119))
    for key in range(100, 119):
        office.member("nightly", key, entered=-12)
    sheet = HEAD + "".join(f"c{key},{SENT},,,\n" for key in range(100, 119)) + f"c9,{SENT},,,\n"
    assert office.record(sheet).contacts == 19


def test_a_sheet_without_any_usable_row_is_never_taken(office: Marketing) -> None:
    with pytest.raises(DataContractError, match="1 of 1 rows"):
        office.record(HEAD + f"c9,{SENT},,,\n", accept_refused=True)
    with pytest.raises(DataContractError, match="has no rows"):
        office.record(HEAD)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"customer_id,sent_date\nM\xfcller,2025-06-01\n", "line 2 is not UTF-8"),
        (b"id,sent_date\nc1,2025-06-01\n", "no column customer_id; its columns are id, sent_date"),
        (b"", "no column customer_id; its columns are none"),
        (b"customer_id,cost,cost\nc1,1,2\n", "has the column cost twice"),
        (b'customer_id,sent_date\n"c1,2025-06-01\n', "is no CSV"),
        (b"customer_id,sent_date\nc1," + b"x" * (1 << 21), "longer than a line"),
        (b"customer_id," + b"x" * 131_073 + b"\nc1,\n", "line 1 is no CSV: field larger than field limit"),
        (b'customer_id,"sent_date"x\nc1,\n', "line 1 is no CSV"),
        (b"customer_id,sent_date\rc1," + b"x" * 131_073 + b"\r", "line 2 is no CSV: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_such_sheet_is_refused_in_words(office: Marketing, data: bytes, problem: str) -> None:
    with pytest.raises(DataContractError, match=problem):
        office.record(data)


def test_rows_are_streamed(office: Marketing) -> None:
    """Whatever pieces the file comes in, and however many rows: the count is right and each is read once."""
    rows = 5_000
    whole = "customer_id,sent_date\n" + "".join(f"x{number},{SENT}\n" for number in range(rows)) + f"c1,{SENT}\n"
    data = whole.encode()
    pieces = (data[start : start + 7] for start in range(0, len(data), 7))
    sheet = open_sheet(pieces, "sent.csv", "UTC")
    copied = b"".join(sheet.batches()).decode().splitlines()
    assert (sheet.rows_read, len(copied)) == (rows + 1, rows + 1)
    assert [line.split(",")[0] for line in (copied[0], copied[-1])] == ["2", str(rows + 2)]


# ------------------------------------------------------------ which campaign


@pytest.mark.parametrize(
    ("campaign", "options", "problem"),
    [
        ("spring", {}, "There is no campaign spring; there are nightly"),
        ("nightly", {"entered_on": AS_OF}, "Leave --as-of out"),
    ],
)
def test_a_campaign_that_does_not_fit_is_refused(
    office: Marketing, campaign: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        office.record(HEAD + f"c1,{SENT},,,\n", campaign, **options)


def test_a_list_campaign_that_has_not_begun_can_t_be_recorded(staging: Staging) -> None:
    office = Marketing(staging)
    with pytest.raises(UsageError, match="has not begun"):
        office.record("customer_id,campaign_group\nc1,treatment\n")


def test_a_campaign_s_name_is_an_identifier(office: Marketing) -> None:
    with pytest.raises(UsageError, match="can't be the name of a campaign"):
        office.record("customer_id,campaign_group\nc1,treatment\n", "Spring; drop")


EXPORTED = (
    "customer_id,campaign,campaign_group,recommended_action,as_of_date\n"
    f"c1,nightly,treatment,call,{date_at(-12)}\nc2,nightly,treatment,call,{date_at(-12)}\n"
)


@pytest.mark.parametrize(
    ("campaign", "named", "problem"),
    [
        (
            "nigthly",
            "nightly",
            "not of campaign nigthly: .* says 'nightly' in 2 rows, first in line 2.*--campaign nightl",
        ),
        ("nightly", "autumn", "says 'autumn' in 2 rows, first in line 2.*leave the column campaign out"),
        ("nightly", "jane@example.com", "says one that no campaign here can have in 2 rows"),
    ],
)
def test_a_sheet_of_another_campaign_is_refused(office: Marketing, campaign: str, named: str, problem: str) -> None:
    with pytest.raises(DataContractError) as refused:
        office.record(EXPORTED.replace("nightly", named), campaign, sent_on=date_at(-10), accept_refused=True)
    assert re.search(problem, str(refused.value))
    assert "jane" not in str(refused.value)
    assert [row["campaign"] for row in office.rows("ops.campaigns")] == ["nightly"]
    assert contacts(office) == set()


def test_a_mistyped_name_begins_no_campaign_unless_it_is_said_to(office: Marketing) -> None:
    sheet = EXPORTED.replace(",nightly,", ",,")
    with pytest.raises(UsageError) as refused:
        office.record(sheet, "nigthly", sent_on=date_at(-10))
    assert "There is no campaign nigthly; there are nightly." in str(refused.value)
    assert "--drawn-elsewhere" in str(refused.value)
    done = office.record(sheet, "other", sent_on=date_at(-10), drawn_elsewhere=True)
    assert (done.kind, done.members) == ("recorded", 2)
    assert office.record(sheet, "other", sent_on=date_at(-10)).rows_known == 2, "it is there now"
    with pytest.raises(UsageError, match="Leave --drawn-elsewhere out"):
        office.record(sheet, sent_on=date_at(-10), drawn_elsewhere=True)


def test_who_entered_with_a_list_that_was_not_sent_leaves_with_their_outcomes(staging: Staging) -> None:
    """Lists before day -10 were not sent; c3 was contacted all the same, c5 in another campaign alone."""
    office = Marketing(staging)
    for name in ("nightly", "outside"):
        office.campaign(name)
    for key, entered in ((1, -11), (2, -11), (3, -11), (4, -10), (5, -30)):
        group = "holdout" if key == 2 else "treatment"
        office.outcomes("nightly", key, 0, 1, group=group, entered=entered, list_run_id=7)
    office.outcomes("outside", 5, 0, 1, group="treatment", entered=-30, list_run_id=None)
    office.contact("nightly", 3, sent=-9)
    office.contact("outside", 5, sent=-9)
    office.connection.execute(read_sql("campaigns/leave_unsent.sql").statement, {"live_from": day(-10)})
    for table in ("ops.campaign_members", "ops.campaign_outcomes"):
        left = sorted((row["campaign"], row["customer_key"]) for row in office.rows(table))
        assert left == [("nightly", 3), ("nightly", 4), ("outside", 5)]


def test_a_refused_holdout_row_draws_no_campaign(office: Marketing) -> None:
    sheet = DRAWN + f"c1,treatment,{SENT},mens,\nnobody,holdout,{SENT},,\n"
    with pytest.raises(UsageError, match="holds nobody out"):
        office.record(sheet, "spring", accept_refused=True)


def test_a_campaign_recorded_by_mistake_leaves_nothing_behind(office: Marketing) -> None:
    tables = [f"ops.campaign{end}" for end in ("s", "_members", "_contacts", "_recordings", "_outcomes", "_results")]
    for key in (1, 2):
        office.staging.subscription(key, -400)
    office.record(f"customer_id,sent_date\nc1,{SENT}\n")
    office.results()
    before = {table: office.rows(table) for table in tables}
    office.record("customer_id,campaign_group\nc1,treatment\nc2,holdout\n", "spring", entered_on=date_at(-60))
    office.record(f"customer_id,campaign_group,sent_date\nc1,treatment,{SENT}\n", "spring")
    office.measure()
    assert office.results(campaign="spring")["all"]["measured_treatment"] == 1
    gone = campaigns.withdraw(office.connection, "spring")
    assert (gone.members, gone.contacts, gone.recordings) == (2, 1, 2)
    assert {table: office.rows(table) for table in tables} == before


@pytest.mark.parametrize(
    ("campaign", "problem"),
    [("nightly", "nightly lists: .* stays"), ("spring", "no campaign spring; there are nightly")],
)
def test_a_list_campaign_is_not_withdrawn_nor_one_that_is_not_there(
    office: Marketing, campaign: str, problem: str
) -> None:
    before = office.rows("ops.campaign_members")
    with pytest.raises(UsageError, match=problem):
        campaigns.withdraw(office.connection, campaign)
    assert office.rows("ops.campaign_members") == before


# ------------------------------------------------------------ drawn elsewhere

DRAWN = "customer_id,campaign_group,assigned_date,offer,sent_date\n"


def test_a_campaign_drawn_elsewhere_brings_its_members(office: Marketing) -> None:
    sheet = (
        DRAWN + f"c1,treatment,{date_at(-11)},mens,{SENT}\nc2,Treatment,{date_at(-11)},womens,\nc3,holdout,{SENT},,\n"
    )
    done = office.record(sheet, "spring")
    assert (done.kind, done.members, done.contacts, done.rows_used) == ("recorded", 3, 1, 3)
    members = [row for row in office.rows("ops.campaign_members") if row["campaign"] == "spring"]
    assert {(row["customer_key"], row["campaign_group"], row["offer"], row["as_of_date"]) for row in members} == {
        (1, "treatment", "mens", date_at(-11)),
        (2, "treatment", "womens", date_at(-11)),
        (3, "holdout", None, date_at(-10)),
    }  # fmt: skip
    (campaign,) = [row for row in office.rows("ops.campaigns") if row["campaign"] == "spring"]
    assert (campaign["kind"], campaign["started_as_of_date"]) == ("recorded", date_at(-11))
    again = office.record(sheet, "spring")
    assert (again.members, again.contacts, again.rows_used, again.rows_known) == (0, 0, 0, 3)


def test_the_day_of_entry_may_be_given_for_all(office: Marketing) -> None:
    office.record("customer_id,campaign_group\nc1,treatment\nc2,holdout\n", "spring", entered_on=date_at(-30))
    entered = {row["as_of_date"] for row in office.rows("ops.campaign_members") if row["campaign"] == "spring"}
    assert entered == {date_at(-30)}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (f"c1,,{SENT},,\n", "in no group"),
        (f"c1,holdout,{SENT},,\nc1,treatment,{SENT},mens,\n", "in both groups"),
        ("c1,holdout,,,\n", "no day of entry"),
        (f"c1,treatment,{date_at(1)},mens,\n", "entered in the future"),
        (f"c1,both,{SENT},mens,\n", "campaign_group is neither treatment nor holdout"),
        (f"c1,treatment,{SENT},mens,{date_at(-11)}\n", "sent before the customer entered"),
    ],
)
def test_a_row_of_a_drawn_campaign_that_can_t_be_right_is_refused(office: Marketing, rows: str, reason: str) -> None:
    done = office.record(
        f"{DRAWN}c2,treatment,{SENT},mens,{SENT}\n{rows}", "spring", accept_refused=True, drawn_elsewhere=True
    )
    assert reasons(done) == {reason: rows.count("\n")}
    assert [row["customer_key"] for row in office.rows("ops.campaign_members") if row["campaign"] == "spring"] == [2]


def test_nobody_changes_sides(office: Marketing) -> None:
    office.record(DRAWN + f"c1,treatment,{SENT},mens,\nc2,holdout,{SENT},,\n", "spring")
    done = office.record(
        DRAWN + f"c1,treatment,{SENT},mens,\nc2,treatment,{SENT},mens,\n", "spring", accept_refused=True
    )
    assert reasons(done) == {"in the other group already": 1}


def test_strata_are_those_of_the_latest_night_on_or_before_the_entry(office: Marketing) -> None:
    nights = Nights(office.staging)
    for offset, name, band in [(-20, "old", "low"), (-11, "right", "high"), (-9, "later", "medium")]:
        run_id = nights.run(date_at(offset))
        nights.segment(date_at(offset), run_id, 1, name)
        nights.insert("scores.customer_scores", {**score(date_at(offset), run_id, 1, 1), "risk_band": band, "mrr": 50})
    office.record(
        DRAWN + f"c1,treatment,{date_at(-10)},mens,\nc2,treatment,{date_at(-21)},mens,\n",
        "spring",
        drawn_elsewhere=True,
    )
    strata = {
        row["customer_key"]: (row["segment"], row["risk_band"], row["mrr"])
        for row in office.rows("ops.campaign_members") if row["campaign"] == "spring"
    }  # fmt: skip
    assert strata == {1: ("right", "high", 50), 2: (None, None, None)}


# ------------------------------------------------------------ from a table


def test_a_table_of_the_warehouse_is_read_like_a_file(office: Marketing) -> None:
    office.connection.execute(
        sa.text('create table staging."Sent; mail" (customer_id text, "sent_at" timestamptz, cost numeric)')
    )
    office.connection.execute(
        sa.text(f"insert into staging.\"Sent; mail\" values ('c1', '{SENT} 10:00+00', 3), ('c2', '{SENT}', null)")
    )
    chunks = list(table_chunks(office.connection, "staging.Sent; mail"))
    assert office.record(b"".join(chunks)).contacts == 2
    assert contacts(office) == {(1, SENT, "call", None, Decimal(3)), (2, SENT, "call", None, None)}


@pytest.mark.parametrize("name", ["sent", "staging.", "staging.no_such", "a.b.c", "staging.payments; select 1"])
def test_a_table_that_is_not_there_is_refused(office: Marketing, name: str) -> None:
    with pytest.raises(UsageError, match=r"SCHEMA\.TABLE"):
        list(table_chunks(office.connection, name))
