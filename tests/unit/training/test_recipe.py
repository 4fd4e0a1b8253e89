"""Which parameters a model is trained with, and where they come from."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from churn.features.snapshot import FeatureSet, Snapshot
from churn.registry import StoredModel
from churn.risk import search
from churn.risk.reference import make_reference
from churn.risk.search import SearchResult
from churn.risk.training import TrainingResult, train_model
from churn.training import job
from churn.training.recipe import PARAMETERS, SEARCHED, chosen_settings, same_recipe
from tests.unit.risk.company import FAST, NAMES, Company, company

UNTIL = date(2024, 12, 1)
FOUND = replace(FAST, learning_rate=0.07, num_leaves=31)


@pytest.fixture(scope="module")
def known() -> Company:
    return company(months=6)


@pytest.fixture(scope="module")
def result(known: Company) -> TrainingResult:
    return train_model(known.data, FAST)


def stored(**details: Any) -> StoredModel:
    """A champion as the registry holds it."""
    day = date(2024, 11, 1)
    at = datetime(2024, 11, 1, tzinfo=UTC)
    return StoredModel("churn-1", "churn", "champion", "", "", day, day, at, "", json.loads(json.dumps(details)))


def test_the_parameters_of_a_searched_champion_are_trained_with_again_and_a_note_says_so(known: Company) -> None:
    champion = stored(searched=True, parameters=asdict(replace(FOUND, list_size=7, max_trees=9)))
    chosen = chosen_settings(known.data, FAST, 0, champion, UNTIL)
    assert chosen.settings == FOUND
    assert chosen.searched
    assert "those of churn-1, which come from a search" in chosen.notes[0]


@pytest.mark.parametrize(
    "champion",
    [None, stored(parameters=asdict(FOUND)), stored(searched=False, parameters=asdict(FOUND))],
    ids=["none", "of an earlier release", "usual parameters"],
)
def test_without_a_searched_champion_the_usual_parameters_are_trained_with(
    known: Company, champion: StoredModel | None
) -> None:
    chosen = chosen_settings(known.data, FAST, 0, champion, UNTIL)
    assert (chosen.settings, chosen.searched, chosen.notes) == (FAST, False, ())


@pytest.mark.parametrize(("found", "searched"), [(FOUND, True), (FAST, False)])
def test_a_search_starts_from_the_usual_parameters_and_says_whether_it_found_others(
    known: Company, monkeypatch: pytest.MonkeyPatch, found: Any, searched: bool
) -> None:
    given: list[Any] = []

    def searching(data: Any, settings: Any, trials: int, *, until: date) -> SearchResult:
        given.append((settings, trials, until))
        return SearchResult(found, trials, 0.1, "searched")

    monkeypatch.setattr(search, "search_settings", searching)
    champion = stored(searched=True, parameters=asdict(replace(FAST, num_leaves=63)))
    chosen = chosen_settings(known.data, FAST, 5, champion, UNTIL)
    assert given == [(FAST, 5, UNTIL)]
    assert (chosen.settings, chosen.searched, chosen.notes) == (found, searched, ("searched",))


def test_every_parameter_that_is_searched_is_kept_with_the_champion() -> None:
    assert set(SEARCHED) == set(search._RANGES)


def test_a_recipe_is_features_and_parameters_and_not_the_data_the_seed_or_the_list(result: TrainingResult) -> None:
    model = result.model
    later = replace(model, labels_end=UNTIL, settings=replace(model.settings, seed=9, list_size=9, threads=2))
    assert same_recipe(model, later)
    for name in PARAMETERS:
        changed = replace(model.settings, **{name: getattr(model.settings, name) / 2})
        assert not same_recipe(model, replace(model, settings=changed))
    assert not same_recipe(model, replace(model, names=replace(NAMES, numbers=NAMES.numbers[:2])))


def test_what_the_model_keeps_of_its_training_does_not_depend_on_the_cores(
    known: Company, result: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def watched(*given: Any) -> Any:
        threads.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return make_reference(*given)

    monkeypatch.setattr(job, "make_reference", watched)
    definitions = {name: "sha" for name in (*NAMES.numbers, *NAMES.categories)}
    features = FeatureSet(1, "", NAMES.numbers, NAMES.categories, definitions)
    snapshot = Snapshot(1, date(2024, 6, 1), "captured", "contractual", "", 1, features)
    completed = job._completed(result.model, known.data, [snapshot])
    assert threads
    assert set(threads) == {1}
    assert completed.reference is not None
    assert completed.definitions == definitions
