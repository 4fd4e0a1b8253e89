"""`make evaluate`: what the churn model is worth, on simulated companies whose truth is known and on a real one.

Each part has its criteria from methods.md, "Judging probabilities" and "Intervals for CLV". Companies and the ceiling
are kept under build/evaluate/cache/, so that a second run only trains and judges.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks import ceiling as ceilings
from benchmarks.campaign_gain import LIST_SIZE, REASSIGNMENTS, coverage_of, gain_of
from benchmarks.campaign_worlds import CUSTOMERS, scored_company
from benchmarks.clean import leak_in_training
from benchmarks.clv_company import clv_company
from benchmarks.clv_contracts import clv_contracts
from benchmarks.clv_worlds import judged_worlds
from benchmarks.companies import Matrix, Recipe, matrix_of
from benchmarks.criteria import judged
from benchmarks.findings import Findings, report
from benchmarks.insight_claims import insight_criteria
from benchmarks.leaks import accused, night_of, planted
from benchmarks.permuted import ROWS, permuted
from benchmarks.place import exit_code_of, refuse_environment, report_to
from benchmarks.realised import year_after
from benchmarks.retail import online_retail
from churn.config import Settings
from churn.errors import UsageError
from churn.risk import TrainSettings
from churn.risk.training import train_model
from churn.training import train_settings
from churn.windows import add_months, matures_on

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "evaluation.md"
PARTS = ("ceiling", "realised", "clv", "campaigns", "insights", "permuted", "leaks", "retail")
SEEDS = (21, 22, 23, 24, 25)
TRAINED = date(2025, 10, 1)
CLEAN, CLEAN_SEED, CLEAN_CUSTOMERS = 20, 201, 4_000
_CUSTOMERS = 20_000
_FUTURE_DAYS, _YEAR_MONTHS = 365, 12
_CEILING_SNAPSHOTS = 30
_WORLD_CUSTOMERS, _PROCESSES = 3_000, 2
CAMPAIGNS, CAMPAIGN_SEED, _COVERED_LISTS = 20, 501, 3
NIGHTS, INSIGHT_SEED = 6_000, 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate as the command line says; the verdict is in the text, not in the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: report_to(DOCUMENT if options.write else None, run(options)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.evaluate", description=__doc__)
    parser.add_argument("--parts", type=_names, default=PARTS, help=f"Some of {','.join(PARTS)}.")
    parser.add_argument("--seeds", type=_numbers, default=SEEDS, help="Companies to train and test on.")
    parser.add_argument("--customers", type=int, default=_CUSTOMERS, help="Of each of them, and of the ceiling's.")
    parser.add_argument("--ceiling-seeds", type=_numbers, default=ceilings.SEEDS)
    parser.add_argument("--ceiling-rows", type=int, default=ceilings.ROWS)
    parser.add_argument("--trials", type=int, default=100, help="Trainings on permuted labels.")
    parser.add_argument("--trial-rows", type=int, default=ROWS, help="Customer-months of each.")
    parser.add_argument("--worlds", type=int, default=100, help="Small simulated worlds to judge intervals of CLV on.")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS, help="Companies to choose lists in.")
    parser.add_argument("--reassignments", type=int, default=REASSIGNMENTS, help="Draws of a list's holdout.")
    parser.add_argument("--campaign-customers", type=int, default=CUSTOMERS, help="Of each company with a list.")
    parser.add_argument("--nights", type=int, default=NIGHTS, help="In which nothing changes, for the findings.")
    parser.add_argument("--clean", type=int, default=CLEAN, help="Companies that no leak is planted in.")
    parser.add_argument("--clean-customers", type=int, default=CLEAN_CUSTOMERS, help="Of those made for that alone.")
    parser.add_argument("--home", type=Path, default=Path("build/evaluate"), help="Folder for databases and cache.")
    parser.add_argument("--keep", action="store_true", help="Leave the last databases there.")
    parser.add_argument("--write", action="store_true", help="Write docs/evaluation.md too; needs every part.")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def run(options: argparse.Namespace) -> str:
    """Make or read the companies, train, judge, and return the report in Markdown.

    Raises
    ------
    UsageError
        The document is to be written, but a part is missing.
    """
    if options.write and set(options.parts) != set(PARTS):
        raise UsageError("docs/evaluation.md holds every part.", "Leave --parts out, or --write.")
    refuse_environment()
    found, settings = Findings(), train_settings(Settings())
    if {"ceiling", "realised", "clv"} & set(options.parts):
        _train_on_companies(options, settings, found)
    if "clv" in options.parts:
        with found.timed("worlds"):
            found.worlds = list(judged_worlds(options.worlds, _WORLD_CUSTOMERS, _PROCESSES))
            found.contracts = clv_contracts(options.worlds)
    if "campaigns" in options.parts:
        with found.timed("campaigns"):
            _choose_lists(options, settings, found)
    if "insights" in options.parts:
        with found.timed("insights"):
            found.claims = insight_criteria(options.nights, INSIGHT_SEED)
    if "permuted" in options.parts:
        with found.timed("permuted labels"):
            matrices = [_learned(_company(options, seed), settings) for seed in options.seeds]
            found.permuted = permuted(matrices, options.trials, settings, options.trial_rows)
    if "leaks" in options.parts:
        with found.timed("leaks"):
            _look_for_leaks(options, settings, found)
    if "retail" in options.parts:
        with found.timed("Online Retail"):
            found.retail = online_retail(options.home, keep=options.keep)
    return report(found, options, TRAINED)


# --- parts --------------------------------------------------------------------------------------------------------


def _company(options: argparse.Namespace, seed: int) -> Matrix:
    """Return a company that is trained as of `TRAINED`, and the year after it."""
    return matrix_of(_recipe(options, seed), options.home, keep=options.keep)


def _recipe(options: argparse.Namespace, seed: int) -> Recipe:
    snapshots = Settings().train.snapshots + _YEAR_MONTHS
    return Recipe(seed, options.customers, future_days=_FUTURE_DAYS, snapshots=snapshots)


def _ceiling_recipes(options: argparse.Namespace) -> list[Recipe]:
    return [Recipe(seed, options.customers, snapshots=_CEILING_SNAPSHOTS) for seed in options.ceiling_seeds]


def _learned(company: Matrix, settings: TrainSettings) -> Matrix:
    """Return what `churn train` reads as of `TRAINED`: the last snapshots whose labels are known by then."""
    wait = matures_on(TRAINED, settings.horizon_days, settings.grace_days) - TRAINED
    return company.months(date.min, TRAINED - wait, Settings().train.snapshots)


def _train_on_companies(options: argparse.Namespace, settings: TrainSettings, found: Findings) -> None:
    if {"ceiling", "clv"} & set(options.parts):
        recipes = _ceiling_recipes(options)
        with found.timed("ceiling"):
            matrices = [matrix_of(recipe, options.home, keep=options.keep) for recipe in recipes]
            found.ceiling = ceilings.ceiling_of(recipes, matrices, options.ceiling_rows, options.home / "cache")
        del matrices
    for seed in options.seeds:
        with found.timed("companies"):
            company = _company(options, seed)
        learned = _learned(company, settings)
        with found.timed("training"):
            result = train_model(learned.data, settings, until=TRAINED)
        found.notes = found.notes or result.notes
        with found.timed("judging"):
            if found.ceiling is not None and "ceiling" in options.parts:
                best = found.ceiling.probabilities(learned)
                found.judged.append(judged(seed, result.predictions, learned, best, settings))
            if "realised" in options.parts:
                year = company.months(TRAINED, add_months(TRAINED, _YEAR_MONTHS - 1))
                found.realised += year_after(seed, year, result, settings)
        if found.ceiling is not None and "clv" in options.parts:
            with found.timed("CLV"):
                best = found.ceiling.probabilities(company.months(TRAINED, TRAINED))
                recipe = _recipe(options, seed)
                found.valued.append(clv_company(recipe, company, learned, result, best, TRAINED))


def _choose_lists(options: argparse.Namespace, settings: TrainSettings, found: Findings) -> None:
    """Choose lists in every company; draw the holdouts of the first ones' lists again and again."""
    retention = Settings().retention
    for seed in range(CAMPAIGN_SEED, CAMPAIGN_SEED + options.campaigns):
        company = scored_company(seed, options.home, settings, customers=options.campaign_customers, keep=options.keep)
        found.gains.append(gain_of(company, LIST_SIZE))
        if seed < CAMPAIGN_SEED + _COVERED_LISTS:
            for share in (retention.holdout_share, 0.5):
                found.coverages.append(coverage_of(company, retention.list_size, share, options.reassignments))


def _look_for_leaks(options: argparse.Namespace, settings: TrainSettings, found: Findings) -> None:
    """Plant leaks in the companies; look for any in them, in the ceiling's, and in trainings of as many more."""
    count = Settings().train.snapshots
    for seed in options.seeds:
        night = night_of(_company(options, seed), TRAINED, settings, count)
        found.caught += planted(night)
        found.clean[f"seed {seed}"] = accused(night)
    for recipe in _ceiling_recipes(options):
        matrix = matrix_of(recipe, options.home, keep=options.keep)
        last = date.fromordinal(int(matrix.data.as_of[-1]))
        found.clean[f"seed {recipe.seed}"] = accused(night_of(matrix, last, settings, count))
    more = max(0, options.clean - len(found.clean))
    for seed in range(CLEAN_SEED, CLEAN_SEED + more):
        recipe = Recipe(seed, options.clean_customers, snapshots=count)
        leak = leak_in_training(recipe, options.home, keep=options.keep)
        found.clean[f"seed {seed}"] = [leak] if leak else []


if __name__ == "__main__":
    sys.exit(main())
