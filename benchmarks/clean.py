"""Whether `churn train` on a company without a leak raises `LeakageError`; what came of it is kept.

The training is the command's own, with everything that it looks at in the warehouse. The answer is kept in a file named
after a digest of the recipe, of the code that says what rows hold, and of the code that looks for leaks.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.companies import BASIS, Recipe, digest_of, loaded
from benchmarks.place import StageTimes, job_of, kept_or_not, say
from churn.errors import LeakageError, ModelError
from churn.pipeline import run_train

_LOOKING = (
    "churn/training/leaks.py",
    *(f"churn/risk/{name}.py" for name in ("cells", "hindsight", "leakage", "overstatement", "vanishing")),
    "sql/training",
)


def leak_in_training(recipe: Recipe, home: Path, *, keep: bool = False) -> str:
    """Return the LeakageError that training raises, empty where it raises none.

    Parameters
    ----------
    recipe : Recipe
        A company; it is trained as of the end of its tables, on `recipe.snapshots`.
    home : Path
        Folder for the databases (deleted afterwards unless `keep`) and, in `cache/`, for what came of it.
    """
    digest = digest_of(asdict(recipe), *BASIS, *_LOOKING)[:16]
    file = home / "cache" / f"clean-{recipe.seed}-{recipe.customers}-{digest}.json"
    if not file.is_file():
        started = time.monotonic()
        with kept_or_not(home, keep=keep):
            leak = _leak(recipe, home)
        say(f"training on the clean company of seed {recipe.seed}: {time.monotonic() - started:.0f} s")
        file.parent.mkdir(parents=True, exist_ok=True)
        for outdated in file.parent.glob(f"clean-{recipe.seed}-{recipe.customers}-*.json"):
            outdated.unlink()
        file.write_text(json.dumps({"leak": leak}), encoding="utf-8")
    return str(json.loads(file.read_text(encoding="utf-8"))["leak"])


def _leak(recipe: Recipe, home: Path) -> str:
    _, settings = loaded(recipe, home)
    try:
        run_train(job_of(settings, recipe.until, StageTimes(is_quiet=True)))
    except LeakageError as error:
        return str(error)
    except ModelError as error:
        say(f"seed {recipe.seed}: no model, but for another reason: {error}")
    return ""
