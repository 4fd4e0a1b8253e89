"""Values as JSON text, decimals to the last digit: the standard library can only write them as floats."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_WORDS = {None: "null", True: "true", False: "false"}
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def json_text(value: Any) -> str:
    """Return a value as JSON.

    Parameters
    ----------
    value : Any
        Mappings, sequences, text, numbers, booleans, dates, instants with their zone, and None.

    Returns
    -------
    str
        Decimals in full as numbers, dates and instants as ISO text; what is not finite is null.
    """
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, datetime | date):
        return _quoted(value.isoformat())
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{_quoted(str(key))}:{json_text(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "[" + ",".join(map(json_text, value)) + "]"
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows.")


def _number(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else "null"
    return repr(value) if isinstance(value, int) or math.isfinite(value) else "null"
