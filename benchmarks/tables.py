"""Tables that read the same on a terminal and in Markdown, and the line that says where they were measured."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from churn.embedded.settings import memory_bytes

PACKAGES = ("lightgbm", "numpy", "scikit-learn", "pandas", "sqlalchemy", "psycopg2-binary")
_CPU_INFO = Path("/proc/cpuinfo")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns also line up as plain text; all but the first are right-aligned."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        padded = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(columns), line(rule), *(line(row) for row in rows)])


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def verdicts(found: Sequence[tuple[str, bool]]) -> str:
    """Return one line a criterion: whether it holds, and its figures."""
    return "\n".join(f"- {'holds' if holds else 'DOES NOT HOLD'}: {words}" for words, holds in found)


def machine() -> str:
    """Return cores, processor, memory and how busy the machine is."""
    names = [line.partition(":")[2].strip() for line in _lines(_CPU_INFO) if line.startswith("model name")]
    model = names[0] if names else platform.machine()
    load = os.getloadavg()[1]
    return (
        f"{os.cpu_count()} cores ({model}), {memory_bytes() / 2**30:.0f} GiB of memory, {platform.system()}; "
        f"load average of the last 5 minutes {load:.1f}"
    )


def versions() -> str:
    """Return the versions of Python and of the packages that matter."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
