"""The API's description, what stands after `?`, problems, and numbers as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound

from churn.dashboard.blocks import Answer, Ask, Block, Column
from churn.dashboard.pages import PAGES, Page, Query
from churn.dashboard.reading import Seen, State
from churn.dashboard.web.api import body
from churn.dashboard.web.asking import QueryError, asked, parameters
from churn.dashboard.web.jsontext import json_text
from churn.dashboard.web.openapi import blocks_of, description
from churn.dashboard.web.problems import Fault, below_api, http_problem, problem

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "api.md"
DESCRIBED = description(PAGES, "/api/v1", secured=True)


class Wanted(Query):
    """One parameter of each kind."""

    page: int = Field(1, ge=1, le=100, description="Page.")
    share: float | None = Field(None, ge=0, le=1, description="Share.")
    least: Decimal | None = Field(None, ge=0, le=1000, description="Amount.")
    band: Literal["high", "low"] | None = Field(None, description="Band.")
    only: bool = Field(False, description="Whether.")
    until: date | None = Field(None, description="Day.")
    word: str | None = Field(None, description="Word.")
    month: tuple[Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")], ...] = Field((), max_length=2, description="Months.")


# ---------------------------------------------------------------- the description


def test_the_description_is_openapi() -> None:
    schemathesis.openapi.from_dict(DESCRIBED).validate()
    for schema in DESCRIBED["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid(schema)


def test_the_description_names_each_page_and_nothing_else() -> None:
    assert list(DESCRIBED["paths"]) == ["/", "/openapi.json", *(f"/{page.name}" for page in PAGES)]
    assert all(list(path) == ["get"] for path in DESCRIBED["paths"].values())


def test_the_documentation_names_each_page_with_its_parameters() -> None:
    lines = re.findall(r"^\| `([a-z-]+)` \|.*\| (.*?) ?\|$", DOCUMENT.read_text("utf-8"), re.M)
    told = {name: re.findall(r"`(\w+)`", listed) for name, listed in lines}
    assert told == {page.name: list(parameters(page.query)) for page in PAGES}


def test_what_is_referred_to_is_there() -> None:
    for reference in references(DESCRIBED):
        section, name = reference.removeprefix("#/components/").split("/")
        assert name in DESCRIBED["components"][section]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_example_of_an_answer_is_as_the_answer_is_described(page: Page) -> None:
    content = DESCRIBED["paths"][f"/{page.name}"]["get"]["responses"]["200"]["content"]["application/json"]
    schema = content["schema"] | {"components": DESCRIBED["components"]}
    jsonschema_rs.validate(schema, content["example"])
    for block in content["example"]["blocks"].values():
        block["rows"] = [{}]
        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.validate(schema, content["example"])
        block["rows"] = []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_before_the_first_night_a_page_is_as_it_is_described(page: Page) -> None:
    nothing = Seen(State(None, None, None, None, None), {one.name: Answer(one, [], 0) for one in blocks_of(page)})
    told = json.loads(json_text(body(nothing, page.query())))
    assert (told["as_of_date"], told["run_id"]) == (None, None)
    content = DESCRIBED["paths"][f"/{page.name}"]["get"]["responses"]["200"]["content"]["application/json"]
    jsonschema_rs.validate(content["schema"] | {"components": DESCRIBED["components"]}, told)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_column_says_what_it_means(page: Page) -> None:
    silent = [f"{block.name}.{name}" for block in blocks_of(page) for name, note in block.notes.items() if not note]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_parameter_says_what_it_means_and_has_an_end(page: Page) -> None:
    ends = {"integer": {"minimum", "maximum"}, "number": {"minimum", "maximum"}, "string": {"maxLength"}}
    for name, schema in parameters(page.query).items():
        assert schema.get("description", "").endswith("."), name
        one = schema.get("items", schema)
        bounded = {"enum", "const", "format"} & one.keys() or ends.get(one["type"], set()) <= one.keys()
        assert bounded, name


def test_a_token_is_described_only_where_one_is_asked_for() -> None:
    assert DESCRIBED["security"] == [{"token": []}]
    opened = description(PAGES, "/behind/api/v1", secured=False)
    assert "securitySchemes" not in opened["components"]
    assert opened["security"] == []
    assert opened["servers"] == [{"url": "/behind/api/v1"}]


def test_a_column_is_described_by_its_kind_and_its_note() -> None:
    block = Block(
        name="two-words",
        title="Both",
        view="segments",
        columns=(Column("segment", "Segment"), Column("share", "Share", "share", "Its own words.")),
        empty="Nothing.",
    )
    page = Page("a-page", "A page", "Why?", lambda query: [Ask(block)], query=Wanted)
    made = description([page], "/api/v1", secured=False)
    row = made["components"]["schemas"]["APageTwoWordsRow"]["properties"]
    assert row["segment"]["description"] == "Name of the segment."
    assert row["share"]["type"] == ["number", "null"]
    assert row["share"]["description"] == "Its own words. A share: 0.042 is 4.2 %."
    listed = {each["name"]: each["schema"] for each in made["paths"]["/a-page"]["get"]["parameters"]}
    assert listed["page"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 1}
    assert listed["least"] == {"type": "number", "minimum": 0, "maximum": 1000}
    assert listed["band"] == {"type": "string", "enum": ["high", "low"]}
    assert listed["word"] == {"type": "string", "maxLength": 200, "pattern": r"^[^\x00]*$"}
    assert listed["month"]["items"]["pattern"] == r"^\d{4}-\d{2}$"
    schemathesis.openapi.from_dict(made).validate()


def references(node: Any) -> Iterator[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "$ref" else references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


# ---------------------------------------------------------------- what stands after `?`


def test_what_is_asked_for_is_read() -> None:
    given = MultiDict(
        [
            ("page", "3"),
            ("share", "0.25"),
            ("least", "12.50"),
            ("band", "high"),
            ("only", "true"),
            ("until", "2025-11-03"),
            ("word", "<b>'é 1_000"),
            ("month", "2025-01"),
            ("month", "2025-02"),
        ]
    )
    assert asked(Wanted, given).model_dump() == {
        "page": 3,
        "share": 0.25,
        "least": Decimal("12.50"),
        "band": "high",
        "only": True,
        "until": date(2025, 11, 3),
        "word": "<b>'é 1_000",
        "month": ("2025-01", "2025-02"),
    }
    assert asked(Wanted, MultiDict()) == Wanted()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("page", "0", "greater than or equal to 1"),
        ("page", "101", "less than or equal to 100"),
        ("page", "1_0", "a whole number"),
        ("page", "1.0", "a whole number"),
        ("page", " 1", "a whole number"),
        ("page", "", "a whole number"),
        ("page", "٣", "a whole number"),
        ("share", "nan", "a number"),
        ("share", "1e999", "less than or equal to 1"),
        ("least", "Infinity", "a number"),
        ("band", "HIGH", "'high' or 'low'"),
        ("only", "yes", "true or false"),
        ("until", "1762128000", "a date such as"),
        ("until", "2025-02-30", "valid date"),
        ("word", "a\x00b", "without a NUL"),
        ("word", "x" * 201, "at most 200"),
        ("month", "2025", "pattern"),
        ("nothing", "1", "There is no such parameter. It can be asked for by page, share,"),
    ],
)
def test_what_is_not_as_described_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        asked(Wanted, MultiDict([(name, value)]))
    (fault,) = caught.value.faults
    assert fault.name == name
    assert said in fault.detail
    assert said in str(caught.value)


def test_the_same_parameter_twice_is_refused_and_all_faults_are_told_at_once() -> None:
    given = MultiDict([("page", "1"), ("page", "2"), ("band", "x"), ("x" * 10_000, "1")])
    with pytest.raises(QueryError) as caught:
        asked(Wanted, given)
    assert [(fault.name, fault.detail.split(";")[0]) for fault in caught.value.faults] == [
        ("page", "It is given 2 times"),
        ("x" * 40, "There is no such parameter. It can be asked for by " + ", ".join(Wanted.model_fields) + "."),
    ]


def test_a_refusal_does_not_repeat_the_value() -> None:
    for name in ("page", "band", "word", "until"):
        with pytest.raises(QueryError) as caught:
            asked(Wanted, MultiDict([(name, "\x00secret")]))
        assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- problems


def test_a_problem_is_told_as_the_standard_has_it() -> None:
    response = problem(400, "That is no page.", "Ask for 1.", faults=[Fault("page", "Too small.")])
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert response.headers["Cache-Control"] == "no-store"
    assert json.loads(response.get_data()) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "That is no page.",
        "advice": "Ask for 1.",
        "parameters": [{"name": "page", "detail": "Too small."}],
    }
    jsonschema_rs.validate(DESCRIBED["components"]["schemas"]["Problem"] | DESCRIBED, json.loads(response.get_data()))


def test_errors_of_routing_are_told_in_the_api_s_words() -> None:
    missing = http_problem(NotFound())
    assert json.loads(missing.get_data())["advice"] == "GET /api/v1/ lists the resources that there are."
    refused = http_problem(MethodNotAllowed(["GET", "HEAD", "OPTIONS"]))
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("path", "below"),
    [("/api", True), ("/api/v1/x", True), ("/api/", True), ("/apis", False), ("/", False), ("/x/api/v1/", False)],
)
def test_errors_below_api_are_problems(path: str, *, below: bool) -> None:
    assert below_api(path) is below


# ---------------------------------------------------------------- numbers as JSON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1234567890123456789.10"), "1234567890123456789.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E+400"), f"1{'0' * 400}"),
        (10**400, f"1{'0' * 400}"),
        (Decimal("NaN"), "null"),
        (Decimal("-Infinity"), "null"),
        (float("nan"), "null"),
        (float("inf"), "null"),
        (0.1, "0.1"),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (date(2025, 11, 3), '"2025-11-03"'),
        (datetime(2025, 11, 3, 3, 15, tzinfo=UTC), '"2025-11-03T03:15:00+00:00"'),
        ('<"é', '"<\\"é"'),
        ({"a": [Decimal("1.5"), (2, None)], 3: {}}, '{"a":[1.5,[2,null]],"3":{}}'),
    ],
)
def test_values_as_json(value: Any, text: str) -> None:
    assert json_text(value) == text


PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=30)
@given(st.recursive(PLAIN, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=8))
def test_what_the_standard_library_can_write_is_read_as_it_was(value: Any) -> None:
    assert json.loads(json_text(value)) == value


def test_what_json_does_not_know_is_no_answer() -> None:
    with pytest.raises(TypeError, match="bytes"):
        json_text({"a": b"raw"})


@settings(deadline=None, max_examples=30)
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_lose_no_digit(value: Decimal) -> None:
    assert json.loads(json_text(value), parse_float=Decimal, parse_int=Decimal) == value
