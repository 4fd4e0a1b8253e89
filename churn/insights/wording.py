"""How numbers are put into the words of a finding: rounded to what matters, never to what looks precise."""

from __future__ import annotations

import json
from math import floor, log10

_MILLION = 1_000_000
_DIGITS = 3


def money(amount: float, currency: str) -> str:
    """Put an amount into words: three digits that count, in the business's currency."""
    if abs(amount) >= _MILLION:
        return f"{_rounded(amount / _MILLION):,g} million {currency}"
    return f"{_rounded(amount):,.0f} {currency}"


def percent(share: float) -> str:
    """Put a share into words: `8.3%`, without decimals from 20% on."""
    return f"{share:.0%}" if abs(share) >= 0.2 else f"{share:.1%}"


def points(difference: float) -> str:
    """Put a difference of two shares into words, in percentage points and with its sign."""
    return f"{100 * difference:+.1f} points"


def times(ratio: float) -> str:
    """Put a ratio into words."""
    return f"{ratio:.1f} times"


def customers(count: int) -> str:
    """Count customers in words."""
    return "1 customer" if count == 1 else f"{count:,} customers"


def quoted(text: str) -> str:
    """Quote a text as churn.toml takes it."""
    return json.dumps(text, ensure_ascii=False)


def _rounded(amount: float) -> float:
    if amount == 0:
        return 0.0
    return round(amount, _DIGITS - 1 - floor(log10(abs(amount))))
