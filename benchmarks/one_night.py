"""One night in a process of its own, so that its peak memory is the night's alone; prints JSON."""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path

from benchmarks.measured import peak_bytes
from benchmarks.place import StageTimes, job_of
from churn.config import load_settings
from churn.pipeline import run_nightly


def main() -> None:
    """Run the night and print seconds by stage, in all, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    options = parser.parse_args()
    progress = StageTimes(is_quiet=True)
    started = time.perf_counter()
    summary = run_nightly(job_of(load_settings(options.config), options.as_of, progress))
    found = {
        "seconds": time.perf_counter() - started,
        "stages": progress.seconds,
        "rows": progress.rows,
        "customers": summary.customers,
        "run_id": summary.run_id,
        "peak_bytes": peak_bytes(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
