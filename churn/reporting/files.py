"""A page becomes a file, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

from churn.errors import UsageError
from churn.export.files import whole_file

STDOUT = Path("-")


def written(page: str, output: Path) -> Path | None:
    """Write a page, and return where; None for stdout.

    Raises
    ------
    UsageError
        `output` is a folder, its folder is not there, or nothing can be written there.
    """
    if output == STDOUT:
        sys.stdout.buffer.write(page.encode())
        sys.stdout.buffer.flush()
        return None
    if output.is_dir():
        raise UsageError(f"{output} is a folder.", f"Give --output the name of a file, such as {output / 'page.html'}.")
    with whole_file(output) as new:
        new.file.write(page.encode())
    return output
