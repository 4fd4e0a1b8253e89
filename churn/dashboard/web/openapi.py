"""The API's description (OpenAPI 3.1), made from the pages: what can be asked, what is answered, what can go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from churn import __version__
from churn.dashboard.blocks import Block, Column, Kind
from churn.dashboard.pages import Page
from churn.dashboard.web.asking import parameters
from churn.dashboard.web.problems import MEDIA_TYPE

Schema = dict[str, Any]

# Of each kind: its JSON Schema, an example, and what it means wherever it stands.
_KINDS: dict[Kind, tuple[Schema, Any, str]] = {
    "text": ({"type": "string"}, "Pro", ""),
    "id": ({"type": "string"}, "C-000042", ""),
    "integer": ({"type": "integer"}, 42, ""),
    "run": ({"type": "integer"}, 1207, ""),
    "number": ({"type": "number"}, 1.25, ""),
    "share": ({"type": "number"}, 0.042, "A share: 0.042 is 4.2 %."),
    "points": ({"type": "number"}, -0.013, "A difference of shares: -0.013 is 1.3 percentage points less."),
    "money": ({"type": "number"}, 129.5, "In the business's currency, to the last digit."),
    "date": ({"type": "string", "format": "date"}, "2025-11-03", ""),
    "month": ({"type": "string", "format": "date"}, "2025-11-01", ""),
    "timestamp": ({"type": "string", "format": "date-time"}, "2025-11-03T03:15:00+00:00", ""),
    "seconds": ({"type": "number"}, 12.5, ""),
    "boolean": ({"type": "boolean"}, True, ""),
    "json": ({}, {"customers": 42}, ""),
}
_PROBLEMS = {
    "400": ("BadRequest", "A parameter is unknown, missing, given twice, or not as it is described."),
    "401": ("Unauthorized", "Where readers have to say who they are: the token is missing or wrong."),
    "404": ("NotFound", "There is no such thing, such as a customer of that id."),
    "414": ("AddressTooLong", "The address has more than 4,000 characters."),
    "429": ("TooManyRequests", "Too many requests: try again after the seconds of Retry-After."),
    "500": ("InternalServerError", "A mistake of this program; its log tells more."),
    "503": ("ServiceUnavailable", "The warehouse can't be read now: try again after the seconds of Retry-After."),
}
_HEADERS: dict[str, tuple[str, Schema, bool]] = {
    "ETag": ("Tells this answer from any other: send it back as If-None-Match.", {"type": "string"}, True),
    "Cache-Control": ("Private: only the reader may keep the answer, and has to ask again.", {"type": "string"}, True),
    "Link": ("Where there are pages: first, prev, next and last (RFC 8288).", {"type": "string"}, False),
    "Retry-After": ("Seconds to wait.", {"type": "string"}, False),
    "WWW-Authenticate": ("How to show the token.", {"type": "string"}, False),
}
_NOT_IN_SCHEMA = ("required", "description", "examples")
_HEADERS_OF = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}


def description(pages: Sequence[Page], server: str, *, secured: bool) -> Schema:
    """Describe the API.

    Parameters
    ----------
    pages : sequence of Page
        The resources.
    server : str
        Path of the API on this host, such as `/api/v1`.
    secured : bool
        Whether a token has to be shown.
    """
    common = [status for status in _PROBLEMS if status != "404"]
    paths = {
        "/": _operation("resources", "What there is to read", "", "Resources", common),
        "/openapi.json": _operation("description", "This description", "", "Description", common),
    }
    for page in pages:
        paths[f"/{page.name}"] = _figures(page)
    components: Schema = {
        "schemas": _shared() | {name: made for page in pages for name, made in _schemas(page).items()},
        "responses": {name: _problem(status, said) for status, (name, said) in _PROBLEMS.items()}
        | {"NotModified": {"description": "It is as If-None-Match says.", "headers": _headers("ETag")}},
        "headers": {
            name: {"description": said, "schema": schema, "required": required}
            for name, (said, schema, required) in _HEADERS.items()
        },
    }
    if secured:
        said = "The token of section [dashboard] of churn.toml."
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": said}}
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": server}],
        "security": [{"token": []}] if secured else [],
        "paths": paths,
        "components": components,
    }


def blocks_of(page: Page) -> list[Block]:
    """Return the blocks that a page is made of."""
    required = {name: schema for name, schema in parameters(page.query).items() if schema["required"]}
    query = page.query.model_validate({name: _examples(schema)[0] for name, schema in required.items()})
    return [ask.block for ask in page.asks(query)]


def _examples(schema: Schema) -> list[Any]:
    """Return at most one value that a parameter may have, as its model says."""
    told = schema.get("examples", schema.get("enum", [schema[key] for key in ("const", "default") if key in schema]))
    return list(told[:1])


def _info() -> Schema:
    return {
        "title": "Figures of the churn dashboard",
        "version": __version__,
        "summary": "What the pages of the dashboard show, as JSON.",
        "description": "Read only. An answer is of one moment: all its blocks are of the same published night. "
        "Names are only ever added within v1: take no notice of those that you do not know. Shares run from 0 to 1.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


# ---------------------------------------------------------------- what can be asked


def _operation(name: str, summary: str, said: str, schema: str, problems: Sequence[str]) -> Schema:
    """Describe what `GET` does at an address."""
    good: Schema = {
        "description": summary,
        "headers": _headers("ETag", "Cache-Control"),
        "content": {"application/json": {"schema": _reference("schemas", schema)}},
    }
    answers = {"200": good, "304": _reference("responses", "NotModified")}
    answers |= {status: _reference("responses", _PROBLEMS[status][0]) for status in problems}
    return {"get": {"operationId": name, "summary": summary, "description": said or summary, "responses": answers}}


def _figures(page: Page) -> Schema:
    made = _operation(page.name, page.title, page.question, _named(page.name), list(_PROBLEMS))
    made["get"]["parameters"] = [_parameter(name, schema) for name, schema in parameters(page.query).items()]
    good = made["get"]["responses"]["200"]
    if "page" in parameters(page.query):
        good["headers"] |= _headers("Link")
    good["content"]["application/json"]["example"] = _example_of(page)
    return made


def _parameter(name: str, schema: Schema) -> Schema:
    made = {
        "name": name,
        "in": "query",
        "required": schema["required"],
        "description": schema.get("description", ""),
        "schema": {key: value for key, value in schema.items() if key not in _NOT_IN_SCHEMA},
    }
    told = _examples(schema)
    return made | ({"example": told[0]} if told else {})


# ---------------------------------------------------------------- what is answered


def _schemas(page: Page) -> dict[str, Schema]:
    """Describe a page, its blocks and their rows."""
    blocks = blocks_of(page)
    named = {block.name: _named(page.name, block.name) for block in blocks}
    body = {
        "as_of_date": _nullable({"type": "string", "format": "date"})
        | {"description": "The published night; null before the first one."},
        "run_id": {"type": ["integer", "null"], "description": "The run that published it; see bi.job_runs."},
        "query": {"type": "object", "description": "What was asked, with what holds where nothing was."},
        "blocks": _object({name: _reference("schemas", schema) for name, schema in named.items()}),
    }
    made = {_named(page.name): _object(body) | {"description": page.question}}
    for block in blocks:
        row = {column.name: _column(column, block.notes[column.name]) for column in block.columns}
        made[f"{named[block.name]}Row"] = _object(row)
        made[named[block.name]] = {
            "description": f"{block.title}. From bi.{block.view}.",
            "allOf": [_reference("schemas", "Block")],
            "properties": {"rows": {"type": "array", "items": _reference("schemas", f"{named[block.name]}Row")}},
        }
    return made


def _column(column: Column, note: str) -> Schema:
    schema, _, said = _KINDS[column.kind]
    return _nullable(schema) | {"title": column.label, "description": " ".join(filter(None, (note, said)))}


def _nullable(schema: Schema) -> Schema:
    return schema | ({"type": [schema["type"], "null"]} if "type" in schema else {})


def _example_of(page: Page) -> Schema:
    """Return an answer with one row a block."""
    return {
        "as_of_date": "2025-11-03",
        "run_id": 7,
        "query": {name: schema["default"] for name, schema in parameters(page.query).items() if "default" in schema},
        "blocks": {
            block.name: {
                "title": block.title,
                "view": f"bi.{block.view}",
                "rows": [{column.name: _KINDS[column.kind][1] for column in block.columns}],
                "total": 1,
                "page": 1,
                "page_size": 50 if block.sortable else None,
                "pages": 1,
            }
            for block in blocks_of(page)
        },
    }


def _shared() -> dict[str, Schema]:
    """Describe what all answers have in common."""
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    resource = {"name": text, "title": text, "question": text, "href": text}
    block = {
        "title": text,
        "view": {"type": "string", "description": "The view of schema bi that it is from."},
        "rows": {"type": "array"},
        "total": count | {"description": "Rows on all pages."},
        "page": count | {"description": "From 1; a page after the last has no rows."},
        "page_size": _nullable(count) | {"description": "Rows a page; null where all rows are there."},
        "pages": count | {"description": "How many pages there are, at least 1."},
    }
    problem = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text}
    more = {"advice": text, "parameters": {"type": "array", "items": _object({"name": text, "detail": text})}}
    listed = {"version": text, "description": text, "resources": {"type": "array", "items": _object(resource)}}
    return {
        "Block": _object(block),
        "Resources": _object(listed),
        "Description": {"type": "object", "required": ["openapi", "info", "paths"]},
        "Problem": {
            "type": "object",
            "description": "RFC 9457; advice says what to do, parameters which are wrong.",
            "properties": problem | more,
            "required": list(problem),
        },
    }


# ---------------------------------------------------------------- parts


def _problem(status: str, said: str) -> Schema:
    content = {MEDIA_TYPE: {"schema": _reference("schemas", "Problem")}}
    return {"description": said, "content": content, "headers": _headers(*_HEADERS_OF.get(status, ()))}


def _headers(*names: str) -> Schema:
    return {name: _reference("headers", name) for name in names}


def _reference(section: str, name: str) -> Schema:
    return {"$ref": f"#/components/{section}/{name}"}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _named(*names: str) -> str:
    """Return the name of a schema: `at-risk` and `list` make `AtRiskList`."""
    return "".join(part.capitalize() for name in names for part in name.replace("_", "-").split("-"))
