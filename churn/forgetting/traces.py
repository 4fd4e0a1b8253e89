"""What names a customer within a text: an error, a check's detail, a sample, a JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from churn.tombstones import is_distinctive, is_telling

FORGOTTEN = "(forgotten)"
# Of `C-10-EU` and `x.anna@example.org`, `C-10` and `anna@example.org` are no words of their own.
_NO_WORD_BEFORE = "(?<![[:alnum:]_])(?<![[:alnum:]_][-.@+])"
_NO_WORD_AFTER = "(?![[:alnum:]_])(?![-.@+][[:alnum:]_])"
_SAID_BEFORE = "(?<=customer(_id)?[\"':= ]{1,4})"
_ROW_SAID_BEFORE = "(?<=(subscription|payment|ticket) )"
_KEY_SAID_BEFORE = "(?<=customer_key[\"':= ]{1,4})"


@dataclass(frozen=True)
class Traces:
    """How Postgres finds a customer in texts, as advanced regular expressions.

    An id that can be nothing else (`C-1042`, a UUID, an address) is found wherever it stands as a word of its own. One
    that may be a number or a word (`7`, `anna`) is found where the text says that it is a customer's, and, if it tells
    enough (`10427`), as a whole value of an attribute.

    Attributes
    ----------
    customer_id : str
    customer_key : int or None
        None where the warehouse doesn't know the customer.
    row_keys : tuple of str
        Ids of their subscriptions, payments and tickets that a text speaks of.
    """

    customer_id: str
    customer_key: int | None
    row_keys: tuple[str, ...] = ()

    def of_rows(self, row_keys: Iterable[str]) -> Traces:
        """Return the same with the ids of the customer's rows."""
        return replace(self, row_keys=tuple(row_keys))

    @property
    def is_distinctive(self) -> bool:
        """Whether the id can be nothing else."""
        return is_distinctive(self.customer_id)

    @property
    def needles(self) -> list[str]:
        """One of these is in every text that names the customer: a quick first look."""
        keys = [] if self.customer_key is None else [str(self.customer_key)]
        rows = [written for key in self.row_keys for written in (key, _in_json(key))]
        return list(dict.fromkeys([self.customer_id, self.json_id, *keys, *rows]))

    @property
    def pattern(self) -> str:
        """Finds the customer in plain text."""
        return "|".join(self._ways(is_json=False))

    @property
    def json_pattern(self) -> str:
        """Finds the customer in JSON as Postgres writes it."""
        return "|".join(self._ways(is_json=True))

    @property
    def value_pattern(self) -> str:
        """Finds the customer in a value of an attribute, or in a list of them, one a line."""
        whole = f"(?<![^\\n]){_literal(self.customer_id)}(?![^\\n])"
        return "|".join([*self._ways(is_json=False), *([whole] if is_telling(self.customer_id) else [])])

    @property
    def json_value_pattern(self) -> str:
        """Finds the customer in JSON that holds values of attributes."""
        whole = f'(?<="){_literal(self.json_id)}(?=")'
        return "|".join([*self._ways(is_json=True), *([whole] if is_telling(self.customer_id) else [])])

    @property
    def json_id(self) -> str:
        """The id as JSON writes it, without its quotes."""
        return _in_json(self.customer_id)

    def _ways(self, *, is_json: bool) -> list[str]:
        write = _in_json if is_json else str
        before = _NO_WORD_BEFORE if self.is_distinctive else _SAID_BEFORE
        ways = [f"{before}{_literal(write(self.customer_id))}{_NO_WORD_AFTER}"]
        if self.customer_key is not None:
            ways.append(f"{_KEY_SAID_BEFORE}{self.customer_key}(?![0-9])")
        return [*ways, *(f"{_ROW_SAID_BEFORE}{_literal(write(key))}{_NO_WORD_AFTER}" for key in self.row_keys)]


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _literal(text: str) -> str:
    """Escape what a regular expression would take for something else."""
    return "".join(sign if sign.isalnum() else f"\\{sign}" for sign in text)
