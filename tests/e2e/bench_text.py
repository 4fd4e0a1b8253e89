"""Reading the tables of a benchmark's text."""

from __future__ import annotations


def cells_of(text: str, first: str) -> list[str]:
    """Return the cells of the only row that begins with `first`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]
