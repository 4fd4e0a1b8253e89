"""What names a customer within a text: an error, a check's detail, a sample, a JSON document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

FORGOTTEN = "(forgotten)"
_LONG_ENOUGH = 5
_LONG = 16
_NO_WORD_BEFORE, _NO_WORD_AFTER = "(?<![[:alnum:]_])", "(?![[:alnum:]_])"
_SAID_BEFORE = "(?<=customer(_id)?[\"':= ]{1,4})"
_KEY_SAID_BEFORE = "(?<=customer_key[\"':= ]{1,4})"


@dataclass(frozen=True)
class Traces:
    """How Postgres finds a customer in texts, as advanced regular expressions.

    An id that can be nothing else (`C-1042`, a UUID, an address) is found wherever it stands as a word of its own. One
    that may be a number or a word (`7`, `anna`) is found where the text says that it is a customer's.

    Attributes
    ----------
    customer_id : str
    customer_key : int or None
        None where the warehouse doesn't know the customer.
    """

    customer_id: str
    customer_key: int | None

    @property
    def is_distinctive(self) -> bool:
        """Whether the id can be nothing else."""
        has_letter = re.search(r"[^\W\d_]", self.customer_id) is not None
        has_other = re.search(r"[\d@]", self.customer_id) is not None
        return has_letter and ((has_other and len(self.customer_id) >= _LONG_ENOUGH) or len(self.customer_id) >= _LONG)

    @property
    def needles(self) -> list[str]:
        """One of these is in every text that names the customer: a quick first look."""
        ids = [self.customer_id, self._json_id]
        return list(dict.fromkeys(ids if self.customer_key is None else [*ids, str(self.customer_key)]))

    @property
    def pattern(self) -> str:
        """Finds the customer in plain text."""
        return self._pattern(self.customer_id)

    @property
    def json_pattern(self) -> str:
        """Finds the customer in JSON as Postgres writes it."""
        return self._pattern(self._json_id)

    @property
    def _json_id(self) -> str:
        return json.dumps(self.customer_id, ensure_ascii=False)[1:-1]

    def _pattern(self, written: str) -> str:
        before = _NO_WORD_BEFORE if self.is_distinctive else _SAID_BEFORE
        ways = [f"{before}{_literal(written)}{_NO_WORD_AFTER}"]
        if self.customer_key is not None:
            ways.append(f"{_KEY_SAID_BEFORE}{self.customer_key}(?![0-9])")
        return "|".join(ways)


def _literal(text: str) -> str:
    """Escape what a regular expression would take for something else."""
    return "".join(sign if sign.isalnum() else f"\\{sign}" for sign in text)
