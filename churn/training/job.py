"""Train on the snapshots, judge, store, and promote."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn import registry
from churn.config import Settings
from churn.errors import ModelError
from churn.features.snapshot import Snapshot
from churn.ledger import Run
from churn.matrix import Batch
from churn.performance_store import store_judgement
from churn.risk import RiskModel, TrainingSet, TrainSettings, sampled_customers, score_batches
from churn.risk.business import NOBODY
from churn.risk.evaluation import MODEL, OUT_OF_TIME
from churn.risk.reference import REFERENCE_ROWS, make_reference
from churn.risk.scoring import churn_predicted
from churn.risk.training import TrainingResult, train_model
from churn.training.contest import Contender, Verdict, contest
from churn.training.data import labelled_snapshots
from churn.training.judging import Judged, judged_out_of_time
from churn.training.leaks import refuse_leaks, refuse_overstatement
from churn.training.recipe import chosen_settings
from churn.training.record import model_details
from churn.training.report import TrainingReport
from churn.training.snapshots import author_of, known_until
from churn.training.worth import fit_worth, past_known, with_clv_alone
from churn.valuation import FittedClv, adopt_clv
from churn.warehouse import Database


def train(
    warehouse: Database, settings: Settings, snapshots: Sequence[Snapshot], run: Run, *, search: int = 0
) -> TrainingReport:
    """Train on the snapshots, judge out of time, store, and promote where the figures say so.

    Parameters
    ----------
    warehouse : Database
    settings : Settings
    snapshots : sequence of Snapshot
        Matured, ascending by date.
    run : Run
    search : int
        Configurations to try inside the training period first; 0 takes the usual parameters, or the champion's where a
        search found those.

    Raises
    ------
    LeakageError
        A feature knows what nobody could know; the champion stays.
    ModelError
        There is too little to learn from; the champion stays.
    """
    until = known_until(settings, run)
    with warehouse.begin() as connection:
        learned = labelled_snapshots(connection, settings, snapshots, until)
        refuse_leaks(connection, settings, learned.data, snapshots, until, share=learned.share)
        champion = registry.champion(connection, registry.CHURN)
    chosen = chosen_settings(learned.data, train_settings(settings), search, champion, until)
    result = _trained(warehouse, settings, run, learned.data, chosen.settings, until)
    model = _completed(result.model, learned.data, snapshots)
    known = past_known(warehouse, settings, run, snapshots, learned.everyone)
    worth = fit_worth(warehouse, settings, run, known, result.walk)
    judged = judged_out_of_time(settings, result, known, worth.in_force, chosen.settings, share=learned.share)
    notes = [*chosen.notes, *learned.notes, *result.notes, _origins_note(snapshots)]
    notes += [_threshold_note(judged, settings.business.currency), *worth.in_force.notes(settings)]
    details = model_details(settings, snapshots, learned, model, chosen, judged, notes)
    contender = Contender(
        model,
        judged.judgement.evaluations,
        result.predictions,
        learned.data,
        snapshots[-1].feature_set.definitions,
        churn_predicted(settings),
        until,
    )
    version, verdict = _decided(warehouse, settings, snapshots, contender, champion, judged, details, run, worth)
    with warehouse.begin() as connection:
        run.note_versions(connection, {"churn": version, "clv": worth.in_force.model_version})
    return TrainingReport(
        version,
        verdict.promoted,
        judged.judgement,
        (*notes, verdict.reason),
        len(learned.data),
        result.predictions,
        worth.in_force.summary(settings),
    )


def train_settings(settings: Settings) -> TrainSettings:
    """Take what training needs from the configuration."""
    return TrainSettings(
        horizon_days=settings.churn.horizon_days,
        grace_days=settings.grace_days,
        seed=settings.train.seed,
        list_size=settings.retention.list_size,
        max_rows=settings.train.max_rows,
        min_churners=settings.train.min_churners,
        threads=settings.train.threads,
    )


def require_optimiser(trials: int) -> None:
    """Refuse a search, before anything is read, where the optimiser is not installed.

    Raises
    ------
    ConfigError
        It is not.
    """
    if trials:
        from churn.risk.search import optuna

        optuna()


def _trained(
    warehouse: Database, settings: Settings, run: Run, data: TrainingSet, chosen: TrainSettings, until: date
) -> TrainingResult:
    """Train, or fit CLV alone and say so in the refusal."""
    try:
        return train_model(data, chosen, until=until)
    except ModelError as refusal:
        raise with_clv_alone(warehouse, settings, run, refusal) from refusal


def _completed(model: RiskModel, data: TrainingSet, snapshots: Sequence[Snapshot]) -> RiskModel:
    """Add to the model how its features are computed, and how they and its score are spread over what it learned."""
    definitions = snapshots[-1].feature_set.definitions
    used = (*model.names.numbers, *model.names.categories)
    described = data.take(sampled_customers(data.customer_keys, REFERENCE_ROWS, 0))
    # With the cores at hand, products of matrices end otherwise in the last bits, and so would the SHA-256.
    with threadpool_limits(limits=1, user_api="blas"):
        reference = model.reference or make_reference(described, _scored(model, described))
    return dataclasses.replace(model, definitions={name: definitions[name] for name in used}, reference=reference)


def _scored(model: RiskModel, data: TrainingSet) -> NDArray[np.float64]:
    """Return the model's probability of each row, shape (n,)."""
    parts = []
    for day in np.unique(data.as_of):
        rows = data.take(data.as_of == day)
        batch = Batch(rows.customer_keys, rows.numbers, rows.codes)
        (month,) = score_batches(model, data.names, [batch], as_of=date.fromordinal(int(day)))
        parts.append(month.churn_probability)
    return np.concatenate(parts)


def _decided(
    warehouse: Database,
    settings: Settings,
    snapshots: Sequence[Snapshot],
    contender: Contender,
    champion: registry.StoredModel | None,
    judged: Judged,
    details: dict[str, Any],
    run: Run,
    worth: FittedClv,
) -> tuple[str, Verdict]:
    """Decide on the model, enter it into the registry with its figures, and put it in use where it takes over.

    CLV is entered with it: not at all where the model knows too much to be true.
    """
    model, author = contender.model, author_of(run)
    with warehouse.begin() as connection:
        refuse_overstatement(connection, contender.data, snapshots, model, contender.figures[MODEL])
        same = registry.same_artifact(connection, registry.CHURN, model.sha256)
        known = _known(connection, same)
    # In no transaction: it may train once more.
    verdict = known or contest(champion, contender, settings.train.promotion_confidence)
    trained_as_of = run.as_of if same is None else same.trained_as_of
    new = registry.NewModel(registry.CHURN, model.to_text(), trained_as_of, details, model.labels_end)
    with warehouse.begin() as connection:
        adopt_clv(connection, settings, author, worth, f"fitted as of {run.as_of}, by training")
        version = registry.register(connection, new, author)
        store_judgement(connection, version, OUT_OF_TIME, judged.judgement)
        if verdict.promoted:
            registry.promote(connection, version, registry.CHURN, author, verdict.reason)
        else:
            registry.keep_aside(connection, version, verdict.reason)
    return version, verdict


def _known(connection: Connection, same: registry.StoredModel | None) -> Verdict | None:
    """Return the verdict on a model that the registry held already: in use, or rolled back by somebody."""
    if same is None:
        return None
    if same.status == "champion":
        return Verdict(False, f"The same data gave the same model, which is in use already: {same.model_version}.")
    last = registry.events_of(connection, same.model_version)[-1:]
    if last and last[0].event == "rolled_back":
        return Verdict(
            False,
            f"Not promoted: the same data gave {same.model_version}, which {last[0].actor} rolled back "
            f"({last[0].reason}). `churn models promote` puts it back in use.",
        )
    return None


def _origins_note(snapshots: Sequence[Snapshot]) -> str:
    origins = Counter(snapshot.origin for snapshot in snapshots)
    return "Snapshots: " + ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items())) + "."


def _threshold_note(judged: Judged, currency: str) -> str:
    """Say where the threshold was put, and by what."""
    threshold, terms = judged.judgement.threshold, judged.terms
    value = judged.judgement.figure("expected_net_value").value
    if value is None:
        return f"Threshold {threshold:.3f}: the probability at the end of the list, since no value at stake is known."
    at = (
        f"at {terms.contact_cost:g} {currency} a contact, a save rate of {terms.save_rate:.0%} and "
        f"{terms.saved_value_share:.0%} of the value of a customer who stays anyway"
    )
    if threshold >= NOBODY:
        return f"Threshold: nobody. Every contact is expected to lose money, {at} (`[retention]` in churn.toml)."
    return (
        f"Threshold {threshold:.3f}, by expected value: contacting everyone at or above it would have brought "
        f"{value:,.0f} {currency} a month, {at}."
    )
