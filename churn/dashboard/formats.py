"""Values as people read them: in the business's currency and time zone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_currency, format_currency, get_currency_symbol, parse_pattern

from churn.dashboard.blocks import Kind
from churn.errors import ConfigError

NOTHING = "–"
_BIG = 1000
_QUICKLY: tuple[Kind, ...] = ("text", "id", "run", "json", "boolean")
_WHOLE, _NUMBER, _SHARE, _POINTS, _MONEY = (
    parse_pattern(pattern) for pattern in ("#,##0", "#,##0.###", "#,##0.0%", "+#,##0.0 pp;-#,##0.0 pp", "¤#,##0")
)
_MOST_KEPT = 50_000


@dataclass(frozen=True)
class Formats:
    """How the business writes its figures.

    Attributes
    ----------
    currency : str
        Three letters of ISO 4217.
    timezone : str
    locale : str
        Such as en_GB.
    """

    currency: str
    timezone: str
    locale: str = "en_GB"

    def __post_init__(self) -> None:
        """Refuse a language and country that nobody has written down."""
        try:
            Locale.parse(self.locale)
        except (UnknownLocaleError, ValueError):
            raise ConfigError(
                f"dashboard.locale: there is no {self.locale}.", "Use a language and a country, such as en_GB or de_DE."
            ) from None

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.locale)

    def show(self, value: Any, kind: Kind) -> str:
        """Return a value as it stands in a table; null is a dash."""
        if value is None or value != value:
            return NOTHING
        return self._writers[kind](value) if kind in _QUICKLY else self._figure(value, kind)

    @cached_property
    def _figure(self) -> Callable[[Any, Kind], str]:
        """Write a figure; the same ones stand on many pages, and writing one takes long."""
        return lru_cache(maxsize=_MOST_KEPT)(lambda value, kind: self._writers[kind](value))

    @cached_property
    def _writers(self) -> dict[Kind, Callable[[Any], str]]:
        return {
            "text": str,
            "id": str,
            "integer": lambda value: _WHOLE.apply(value, self._locale),
            "run": str,
            "number": lambda value: (_NUMBER if abs(value) < _BIG else _WHOLE).apply(value, self._locale),
            "share": lambda value: _SHARE.apply(value, self._locale),
            "points": lambda value: _POINTS.apply(100 * value, self._locale),
            "money": self.money,
            "date": lambda value: self.day(value),
            "month": lambda value: format_date(value, "MMM y", locale=self.locale),
            "timestamp": self.instant,
            "seconds": _duration,
            "boolean": lambda value: "yes" if value else "no",
            "json": lambda value: json.dumps(value, ensure_ascii=False),
        }

    def money(self, value: Any) -> str:
        """Return an amount in the business's currency; cents only where they matter."""
        digits = abs(value) < _BIG and value != int(value)
        return str(
            format_currency(value, self.currency, locale=self.locale)
            if digits
            else _MONEY.apply(value, self._locale, currency=self.currency, currency_digits=False)
        )

    def compact_money(self, value: Any) -> str:
        """Return an amount in short: £1.2M."""
        return (
            NOTHING
            if value is None
            else str(format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=1))
        )

    @cached_property
    def sign(self) -> str:
        """The currency's sign, such as £."""
        return str(get_currency_symbol(self.currency, locale=self.locale))

    def day(self, value: date) -> str:
        """Return a date: 3 Nov 2025."""
        return str(format_date(value, "d MMM y", locale=self.locale))

    def instant(self, value: datetime) -> str:
        """Return an instant in the business's zone."""
        return str(format_datetime(value, "d MMM y, HH:mm", tzinfo=ZoneInfo(self.timezone), locale=self.locale))


def _duration(value: float) -> str:
    if not isfinite(value):
        return NOTHING
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
