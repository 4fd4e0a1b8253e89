"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from churn.errors import UsageError


class NewFile:
    """What is to become a file.

    Attributes
    ----------
    file : binary file
        To be written to.
    sha256 : str
        Of what was written; empty until it is whole.
    is_new : bool
        False where the file was there with the same bytes, and so was left as it was.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = ""
        self.is_new = True


@contextmanager
def whole_file(output: Path) -> Iterator[NewFile]:
    """Open a temporary file that takes the name of `output` once it is whole.

    Raises
    ------
    UsageError
        There is no such folder, or nothing can be written there.
    """
    if not output.parent.is_dir():
        raise UsageError(f"There is no folder {output.parent}.", "Make it, or choose another --output.")
    if output.is_dir():
        raise UsageError(f"{output} is a folder.", "Give --output the name of a file, or a folder with --from.")
    try:
        with _temporary(output) as new:
            yield new
    except OSError as error:
        raise UsageError(
            f"{output} can't be written: {error.strerror or error}.", "Choose another --output."
        ) from error


@contextmanager
def _temporary(output: Path) -> Iterator[NewFile]:
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            new = NewFile(file)
            yield new
            file.flush()
            os.fsync(file.fileno())
        new.sha256 = sha256_of(Path(name)) or ""
        new.is_new = sha256_of(output) != new.sha256
        if new.is_new:
            Path(name).chmod(0o640)
            Path(name).replace(output)
    finally:
        Path(name).unlink(missing_ok=True)


def sha256_of(path: Path) -> str | None:
    """Return the digest of a file in hexadecimal; None where there is no file to read."""
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None
