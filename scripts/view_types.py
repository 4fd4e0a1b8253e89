"""Renew the `-- type.X:` lines of `sql/views/` and the list of released columns, from a warehouse made for it.

`python scripts/view_types.py` writes the types; `--release` also adds new columns to
`tests/sql/views/released_columns.json`, from which no later release may take any away.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from churn import embedded
from churn.config import RolesSection
from churn.migrate import bi_views, migrate
from churn.warehouse import open_database

ROOT = Path(__file__).resolve().parents[1]
RELEASED = ROOT / "tests" / "sql" / "views" / "released_columns.json"
TYPES = """
select c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
from pg_catalog.pg_class as c
inner join pg_catalog.pg_attribute as a on c.oid = a.attrelid
where c.relnamespace = cast('bi' as regnamespace) and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""


def main() -> None:
    """Make a warehouse, read what its views are, and write that down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="Add new columns to the list of released ones.")
    options = parser.parse_args()
    found = live_types()
    for view in bi_views():
        _renew(ROOT / "sql" / view.path, found[view.name])
    if options.release:
        _release(found)


def live_types() -> dict[str, dict[str, str]]:
    """Return the type of each column of each view of an empty warehouse, in order."""
    home = Path(tempfile.mkdtemp(prefix="churn-types-"))
    try:
        embedded.start(home)
        embedded.ensure_database(home, "types")
        warehouse = open_database(embedded.database_url(home, "types"), "warehouse")
        migrate(warehouse, RolesSection())
        found: dict[str, dict[str, str]] = {}
        with warehouse.begin() as connection:
            for view, column, kind in connection.execute(sa.text(TYPES)):
                found.setdefault(view, {})[column] = kind
        return found
    finally:
        embedded.destroy(home)
        shutil.rmtree(home, ignore_errors=True)


def _renew(file: Path, types: Mapping[str, str]) -> None:
    """Write the types after the last line that says what a column means."""
    before = file.read_text(encoding="utf-8")
    lines = [line for line in before.splitlines() if not line.startswith("-- type.")]
    last = max(place for place, line in enumerate(lines) if line.startswith("-- column."))
    lines[last + 1 : last + 1] = [f"-- type.{column}: {kind}" for column, kind in types.items()]
    after = "\n".join(lines) + "\n"
    if after != before:
        file.write_text(after, encoding="utf-8")
        sys.stdout.write(f"wrote {file.relative_to(ROOT)}\n")


def _release(types: Mapping[str, Mapping[str, str]]) -> None:
    """Append what is new; what was released keeps its place."""
    released = json.loads(RELEASED.read_text(encoding="utf-8")) if RELEASED.exists() else {}
    for view, columns in types.items():
        known = released.setdefault(view, [])
        known += [column for column in columns if column not in known]
    RELEASED.write_text(json.dumps(dict(sorted(released.items())), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {RELEASED.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
