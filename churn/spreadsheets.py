"""What spreadsheets do to text: formulas that they would run, and the apostrophe that keeps them from it."""

from __future__ import annotations

# What begins a formula in one spreadsheet or another, in both widths; and what one may drop before looking for it.
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_CONTROL = frozenset("\t\r\n")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\x00"


def harmless(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula; other text is returned as it is."""
    seen = text.lstrip(_UNSEEN)
    begins = seen.lstrip().lstrip(_UNSEEN)[:1]
    return f"'{text}" if begins in _FORMULA or seen[:1] in _CONTROL else text


def as_meant(cell: str) -> str:
    """Return what a cell of a sheet says: without the apostrophe of `harmless`, else without spaces around it."""
    bare = cell.lstrip(" ")
    if bare.startswith("'") and harmless(bare[1:]) == bare:
        return bare[1:]
    return cell.strip()
