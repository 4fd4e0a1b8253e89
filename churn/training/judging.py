"""What a trained model is worth out of time: its test rows valued, put into segments, and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from churn.config import Settings
from churn.risk import Predictions, TrainSettings
from churn.risk.business import OfferTerms
from churn.risk.expectation import Expected, expected_figures
from churn.risk.judgement import Judgement, judge
from churn.risk.training import TrainingResult
from churn.training.data import rows_tested
from churn.training.worth import Known, row_stakes
from churn.valuation import ClvInForce


@dataclass(frozen=True)
class Judged:
    """What was found of a model on its test months.

    Attributes
    ----------
    judgement : Judgement
    expected : dict of str to Expected
        What its figures should be on later nights.
    terms : OfferTerms
        What the threshold was chosen by.
    """

    judgement: Judgement
    expected: dict[str, Expected]
    terms: OfferTerms


def judged_out_of_time(
    settings: Settings,
    result: TrainingResult,
    known: Known,
    in_force: ClvInForce,
    train_settings: TrainSettings,
    *,
    share: float,
) -> Judged:
    """Judge the walk-forward predictions, in total and per segment, with the value of what is at stake.

    Parameters
    ----------
    settings : Settings
    result : TrainingResult
    known : Known
        Holds the test rows, and what values and segments are made of.
    in_force : ClvInForce
        Says what is at stake.
    train_settings : TrainSettings
    share : float
        Share of all customers that the training set holds.
    """
    predictions = result.predictions
    stake, segments = row_stakes(settings, known, rows_tested(known.data, predictions), predictions, in_force)
    terms = OfferTerms(
        save_rate=settings.retention.save_rate,
        saved_value_share=settings.retention.saved_value_share,
        contact_cost=settings.retention.contact_cost,
    )
    judgement = judge(
        _standing_for_all(predictions, share * result.kept_share),
        train_settings,
        list_size=settings.retention.list_size,
        stake=stake if stake.any() else None,
        terms=terms,
        segments=segments,
    )
    return Judged(judgement, expected_figures(predictions, result.walk, train_settings), terms)


def _standing_for_all(predictions: Predictions, share: float) -> Predictions:
    """Let the rows of a sample of customers count for all, so that lists and money are those of a whole night."""
    return predictions if share == 1 else replace(predictions, weights=predictions.weight / share)
