"""A quick stand-in for `churn nightly` and `churn train`, that locks, asks and publishes as they do.

`python fake_job.py nightly --as-of DATE --wait --unless-published` writes down in $FAKE_LOG what it does; it works for
$FAKE_SECONDS in one transaction.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psycopg2

LOCK = 4711
LOCKED = 17


def say(text: str) -> None:
    with Path(os.environ["FAKE_LOG"]).open("a") as log:
        log.write(f"{text} {os.getpid()}\n")


def main() -> int:
    job, night = sys.argv[1], sys.argv[3] if sys.argv[1] == "nightly" else None
    connection = psycopg2.connect(os.environ["FAKE_WAREHOUSE"], application_name=f"fake {job}")
    cursor = connection.cursor()
    if job == "train":
        assert sys.argv[2:5] == ["--as-of", sys.argv[3], "--unless-trained"], sys.argv
        cursor.execute("select pg_try_advisory_xact_lock(%s)", (LOCK,))
        if cursor.fetchone() != (True,):
            return LOCKED
    else:
        assert sys.argv[4:6] == ["--wait", "--unless-published"]
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("select 1 from ops.published where as_of_date = %s", (night,))
        if cursor.fetchone():
            return 0
    say(f"begin {night or job}")
    if night:
        cursor.execute("insert into ops.published values (%s, 1, 1, '2026-11-22 03:20Z', false)", (night,))
    else:
        cursor.execute(
            "insert into ops.runs (job, as_of_date, status, started_at, config_digest) "
            "values ('train', '2026-11-22', 'succeeded', '2026-11-22 03:16Z', '')"
        )
    time.sleep(float(os.environ["FAKE_SECONDS"]))
    connection.commit()
    say(f"end {night or job}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
