"""What a reader asks for: what stands after `?`, described as JSON Schema, checked as strictly as it is described."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from churn.dashboard.pages.page import Query
from churn.dashboard.web.problems import Fault
from churn.errors import UsageError

# How a value is written in an address. Pydantic alone would take `1_000` for a number and `y` for true.
_WRITTEN = {
    "integer": (re.compile(r"-?[0-9]{1,15}"), "a whole number"),
    "number": (re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?"), "a number"),
    "boolean": (re.compile(r"true|false"), "true or false"),
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a date such as 2025-11-03"),
    "string": (re.compile(r"[^\x00]*"), "text without a NUL"),
}
TEXT_PATTERN = r"^[^\x00]*$"  # The same for text, as the description says it.
_LONGEST_NAME = 40


class QueryError(UsageError):
    """What stands after `?` can't be answered.

    Parameters
    ----------
    faults : sequence of Fault
        What is wrong, at least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            " ".join(f"{fault.name}: {fault.detail}" if fault.name else fault.detail for fault in faults),
            "Mend the address, or leave the parameter out.",
        )
        self.faults = tuple(faults)


@cache
def parameters(query: type[Query]) -> dict[str, dict[str, Any]]:
    """Return what may stand after `?`: the JSON Schema of each parameter, with `required` where it has to be given.

    Null, which an address can't hold, is left out: the parameter is then not given.
    """
    schema = query.model_json_schema()
    found = {}
    for name, given in schema.get("properties", {}).items():
        plain = _plain(given, schema.get("$defs", {}))
        longest = query.model_config.get("str_max_length")
        for text in (plain, plain.get("items", {})):
            if text.get("type") == "string" and not {"enum", "const", "format"} & text.keys():
                text.setdefault("maxLength", longest)
                text.setdefault("pattern", TEXT_PATTERN)
        found[name] = plain | {"required": name in schema.get("required", ())}
    return found


def _plain(given: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without references, without null and without the title, which only repeats the name."""
    outside = {key: value for key, value in given.items() if key not in ("anyOf", "$ref", "title")}
    if outside.get("default", ...) is None:
        del outside["default"]
    if reference := given.get("$ref"):
        return _plain(shared[reference.rpartition("/")[2]], shared) | outside
    kinds = [_plain(kind, shared) for kind in given.get("anyOf", ()) if kind != {"type": "null"}]
    if kinds:  # A decimal may come as a number or as text; an address knows no difference.
        return kinds[0] | outside
    if "items" in outside:
        outside["items"] = _plain(outside["items"], shared)
    return outside


def asked(query: type[Query], given: MultiDict[str, str]) -> Query:
    """Check what stands after `?`.

    Parameters
    ----------
    query : type of Query
    given : MultiDict of str
        As it stands in the address.

    Raises
    ------
    QueryError
        A parameter is unknown, given twice, or not as it is described.
    """
    faults = list(_faults(parameters(query), given))
    if faults:
        raise QueryError(faults)
    many = {name for name, schema in parameters(query).items() if schema.get("type") == "array"}
    try:
        return query.model_validate({name: values if name in many else values[0] for name, values in given.lists()})
    except ValidationError as error:
        raise QueryError([_fault(found) for found in error.errors(include_url=False)]) from None


def _faults(known: dict[str, dict[str, Any]], given: MultiDict[str, str]) -> Iterator[Fault]:
    for name, values in given.lists():
        if name not in known:
            allowed = f"It can be asked for by {', '.join(known)}." if known else "Nothing can be asked for here."
            yield Fault(name[:_LONGEST_NAME], f"There is no such parameter. {allowed}")
            continue
        schema = known[name]
        if len(values) > 1 and schema.get("type") != "array":
            yield Fault(name, f"It is given {len(values)} times; once is allowed.")
        one = schema.get("items", schema)
        pattern, said = _WRITTEN[one.get("format", one.get("type", "string"))]
        if not all(pattern.fullmatch(value) for value in values):
            yield Fault(name, f"It has to be {said}.")


def _fault(error: Any) -> Fault:
    """Return what pydantic says of a parameter in our words; the value itself is not repeated."""
    name = str(error["loc"][0]) if error["loc"] else ""
    said = "It has to be given." if error["type"] == "missing" else f"{error['msg'].removeprefix('Value error, ')}."
    return Fault(name, said.replace("Input should", "It should").replace("..", "."))
