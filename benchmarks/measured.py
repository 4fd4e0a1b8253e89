"""Measuring within a process of its own: seconds, and the peak of its memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CHECKOUT = Path(__file__).resolve().parents[1]


def peak_bytes() -> int:
    """Return the most memory that this process ever held.

    Linux carries `ru_maxrss` of the parent over to the program that it starts, so its own mark is read there.
    """
    if _STATUS.is_file():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_its_own_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m MODULE …` in this checkout and return the JSON object that it prints last.

    Raises
    ------
    subprocess.CalledProcessError
        It failed; what it said went to standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=_CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
