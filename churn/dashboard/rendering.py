"""From what was read to HTML: the templates, and what they may use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from churn.dashboard.charts import CURRENCY, Chart, plain
from churn.dashboard.formats import Formats

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
# What would end a script element, or begin a comment in one, is written otherwise.
_IN_SCRIPT = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}

_CODE = re.compile(r"`([^`]+)`")


def environment(formats: Formats) -> Environment:
    """Return the templates with their filters; whatever a template writes is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["show"] = formats.show
    made.filters["compact"] = formats.compact_money
    made.filters["data"] = lambda value: data(value, sign=formats.sign)
    made.filters["signed"] = lambda text: text.replace(CURRENCY, formats.sign)
    made.filters["words"] = words
    made.globals["formats"] = formats
    return made


def data(value: Any, *, sign: str = CURRENCY) -> Markup:
    """Return a value as JSON for a `<script type="application/json">`; a chart with the currency's sign."""
    if isinstance(value, Chart):
        value = _signed(value.figure, sign)
    return Markup(json.dumps(plain(value), ensure_ascii=False).translate(_IN_SCRIPT))  # noqa: S704 # nosec B704 # escaped


def _signed(value: Any, sign: str) -> Any:
    if isinstance(value, str):
        return value.replace(CURRENCY, sign)
    if isinstance(value, Mapping):
        return {key: _signed(item, sign) for key, item in value.items()}
    return [_signed(item, sign) for item in value] if isinstance(value, list) else value


def words(text: str) -> Markup:
    """Return a sentence, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 # nosec B704 # escaped


def render(templates: Environment, name: str, shown: Mapping[str, Any]) -> str:
    """Return a page."""
    return templates.get_template(name).render(shown)
