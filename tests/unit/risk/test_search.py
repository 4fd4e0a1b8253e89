"""Searching parameters: inside the training period, the same each time, and honest about what it gained."""

from __future__ import annotations

import builtins
import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn.errors import ConfigError
from churn.risk.search import search_settings
from tests.unit.risk.company import FAST, company, relabelled

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def data():
    return company().data


BAD = replace(FAST, learning_rate=0.2, num_leaves=63, min_child_samples=20, lambda_l2=0.1, max_trees=40)


@pytest.fixture(scope="module")
def found(data):
    return search_settings(data, BAD, 8)


def test_it_finds_better_parameters_and_says_what_it_gained(found):
    assert found.trials == 8
    assert found.gain > 0
    assert found.settings != BAD
    assert f"{found.gain:.5f} nats" in found.note
    assert "Searched 8 configurations on 2024-03-01, 2024-04-01, 2024-05-01" in found.note


def test_the_same_data_find_the_same_on_any_number_of_threads(data, found):
    again = search_settings(data, replace(BAD, threads=2), 8)
    assert replace(again.settings, threads=1) == found.settings
    assert again.gain == found.gain


def test_labels_from_the_first_test_month_on_or_inside_its_purge_change_nothing(data, found):
    days = np.unique(data.as_of)
    late = data.as_of >= days[-4]
    assert search_settings(relabelled(data, np.where(late, ~data.churned, data.churned)), BAD, 8) == found
    early = data.as_of == days[-5]
    assert search_settings(relabelled(data, np.where(early, ~data.churned, data.churned)), BAD, 8) != found


def test_one_trial_is_the_given_configuration_and_gains_nothing(data):
    found = search_settings(data, FAST, 1)
    assert (found.settings, found.trials, found.gain) == (FAST, 1, 0)
    assert "none was better" in found.note


def test_a_short_history_is_not_searched_and_the_note_says_so():
    found = search_settings(company(months=4).data, FAST, 5)
    assert (found.settings, found.trials, found.gain) == (FAST, 0, 0)
    assert "too short" in found.note


def test_snapshots_that_had_not_matured_are_left_out(data):
    early = search_settings(data, FAST, 1, until=date(2024, 9, 1))
    assert "2024-05-01" not in early.note


def test_without_optuna_the_message_says_what_to_install(data, monkeypatch):
    genuine = builtins.__import__

    def without(name, *arguments, **named):
        if name == "optuna":
            raise ImportError(name)
        return genuine(name, *arguments, **named)

    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match="Optuna") as caught:
        search_settings(data, FAST, 2)
    assert "churn[search]" in caught.value.hint
