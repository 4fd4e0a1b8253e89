"""Companies to evaluate on: simulated, taken through the real pipeline, kept as labelled matrices with the truth.

A company becomes source tables, an extraction, month-end snapshots by the features' SQL and labels by the labels' SQL,
as in `churn train`. What comes out is kept in a file named after a digest of the recipe and of the code that says
what its rows hold (simulation, features, labels).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.place import StageTimes, fresh_databases, job_of, kept_or_not, say, writable_source
from churn.beginning import extract_stage
from churn.config import Settings
from churn.demo.company import Company, CompanySettings, simulate_company
from churn.demo.load import load_company, source_sql_dir
from churn.demo.source_rows import EVENT_TYPES
from churn.matrix import FeatureNames
from churn.risk import TrainingSet
from churn.risk.data import Floats
from churn.running import running
from churn.training.data import labelled_snapshots
from churn.training.snapshots import known_until, prepare_snapshots
from churn.warehouse import run_ddl

AS_OF = date(2025, 11, 1)
_NAME = "evaluation"
_MOST_ROWS = 10_000_000
_ROOT = Path(__file__).resolve().parents[1]
_SIMULATION = (
    "activity",
    "billing",
    "blocks",
    "company",
    "hazard",
    "ledger_rows",
    "lives",
    "people",
    "source_rows",
    "timeline",
)
BASIS = (
    *(f"churn/demo/{name}.py" for name in _SIMULATION),
    "churn/demo/source",
    *(f"churn/features/{name}.py" for name in ("assembly", "catalogue", "definitions", "families", "request")),
    "sql/features",
    "sql/labels/contractual.sql",
    "sql/staging",
)


@dataclass(frozen=True)
class Recipe:
    """A company and its snapshots.

    Attributes
    ----------
    seed, customers : int
        Of the simulation; `customers` have signed up before `as_of`.
    as_of : date
    future_days : int
        Days from `as_of` on that the source tables tell as well, up to 365.
    snapshots : int
        The last so many month ends whose labels have matured when the tables end.
    """

    seed: int
    customers: int = 20_000
    as_of: date = AS_OF
    future_days: int = 0
    snapshots: int = 30

    @property
    def until(self) -> date:
        """The day on which the source is read."""
        return self.as_of + timedelta(days=self.future_days)

    def digest(self) -> str:
        """Return the SHA-256 of the recipe and of every file that says what a row holds."""
        return digest_of(asdict(self), *BASIS)

    def file_in(self, cache: Path) -> Path:
        """Return where the matrix is kept."""
        return cache / f"{self._stem}-{self.digest()[:16]}.npz"

    def outdated_in(self, cache: Path) -> list[Path]:
        """List the files of the same company that an earlier state of the code made."""
        return [file for file in cache.glob(f"{self._stem}-*.npz") if file != self.file_in(cache)]

    @property
    def _stem(self) -> str:
        return f"company-{self.seed}-{self.customers}-{self.future_days}-{self.snapshots}"


@dataclass(frozen=True)
class Matrix:
    """Labelled customer-months of a company, and what only a simulation knows.

    Attributes
    ----------
    data : TrainingSet
    truth : ndarray of float64, shape (n,)
        Each row's true probability of leaving within its label window.
    """

    data: TrainingSet
    truth: Floats

    def months(self, first: date, last: date, count: int | None = None) -> Matrix:
        """Return the rows of the month ends from `first` to `last`, or of the last `count` of those."""
        days = np.unique(self.data.as_of)
        days = days[(days >= first.toordinal()) & (days <= last.toordinal())]
        keep = np.isin(self.data.as_of, days if count is None else days[-count:])
        return Matrix(self.data.take(keep), self.truth[keep])


def matrix_of(recipe: Recipe, home: Path, *, keep: bool = False) -> Matrix:
    """Return a company's matrix: the kept one, or a new one.

    Parameters
    ----------
    recipe : Recipe
    home : Path
        Folder for the databases (deleted afterwards unless `keep`) and, in `cache/`, for the matrices.
    """
    file = recipe.file_in(home / "cache")
    if file.is_file():
        return _read(file)
    started = time.monotonic()
    with kept_or_not(home, keep=keep):
        made = _made(recipe, home)
    file.parent.mkdir(parents=True, exist_ok=True)
    for outdated in recipe.outdated_in(file.parent):
        outdated.unlink()
    _write(file, made)
    say(f"company of seed {recipe.seed}: {len(made.data):,} customer-months in {time.monotonic() - started:.0f} s")
    return made


def loaded(recipe: Recipe, home: Path) -> tuple[Company, Settings]:
    """Simulate a company and load it into fresh databases under `home`, ready for `churn train`."""
    settings = CompanySettings(
        as_of=recipe.as_of, seed=recipe.seed, customers=recipe.customers, future_days=recipe.future_days
    )
    company = simulate_company(settings)
    catalogue = [
        {"name": f"{event}s", "event_type": event, "measure": "count"} for event in EVENT_TYPES if event != "invite"
    ]
    values = {
        "features.usage": catalogue,
        "train.snapshots": recipe.snapshots,
        "train.max_rows": _MOST_ROWS,
    }
    configured = fresh_databases(home, _NAME, sql_dir=source_sql_dir(), values=values)
    source = writable_source(configured, _NAME)
    with source.begin() as connection:
        load_company(company, connection)
    with source.connect() as connection:
        run_ddl(connection, "vacuum analyze")
    return company, configured


def digest_of(recipe: Mapping[str, Any], *basis: str) -> str:
    """Return the SHA-256 of a recipe and of the files, or all Python and SQL in the folders, that it rests on."""
    found = hashlib.sha256(json.dumps(recipe, default=str, sort_keys=True).encode())
    for name in basis:
        path = _ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in (".py", ".sql"):
                found.update(file.relative_to(_ROOT).as_posix().encode())
                found.update(file.read_bytes())
    return found.hexdigest()


def _made(recipe: Recipe, home: Path) -> Matrix:
    company, settings = loaded(recipe, home)
    progress = StageTimes(is_quiet=True)
    with running(job_of(settings, recipe.until, progress), "train") as current:
        extraction = extract_stage(current)
        snapshots = prepare_snapshots(current.warehouse, settings, extraction, current.run, progress)
        with current.warehouse.begin() as connection:
            data = labelled_snapshots(connection, settings, snapshots, known_until(settings, current.run)).data
            return Matrix(data, _truth(company, settings, data, connection))


def _truth(company: Company, settings: Settings, data: TrainingSet, connection: Connection) -> Floats:
    """Look up every row's true probability, shape (n,); a customer unknown to the truth is a KeyError."""
    keys = connection.execute(sa.text("select customer_key, customer_id from staging.customer_keys"))
    ids = {int(row.customer_key): str(row.customer_id) for row in keys}
    truth = np.empty(len(data))
    for day in np.unique(data.as_of):
        rows = np.flatnonzero(data.as_of == day)
        known = company.true_probabilities(
            date.fromordinal(int(day)), settings.churn.horizon_days, settings.grace_days
        ).set_index("customer_id")["churn_probability"]
        truth[rows] = known.loc[[ids[int(key)] for key in data.customer_keys[rows]]].to_numpy()
    return truth


def _write(file: Path, matrix: Matrix) -> None:
    """Keep a matrix; the name appears once the file is whole."""
    data = matrix.data
    unfinished = file.with_suffix(".unfinished.npz")
    np.savez(
        unfinished,
        numbers=data.numbers,
        codes=data.codes,
        customer_keys=data.customer_keys,
        as_of=data.as_of,
        churned=data.churned,
        truth=matrix.truth,
        names=np.array(json.dumps([data.names.numbers, data.names.categories, data.names.levels])),
    )
    unfinished.rename(file)


def _read(file: Path) -> Matrix:
    with np.load(file, allow_pickle=False) as kept:
        numbers, categories, levels = json.loads(str(kept["names"]))
        names = FeatureNames(tuple(numbers), tuple(categories), tuple(tuple(known) for known in levels))
        arrays = [kept[name] for name in ("numbers", "codes", "customer_keys", "as_of", "churned")]
        return Matrix(TrainingSet(names, *arrays), kept["truth"])
