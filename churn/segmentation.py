"""The segmentation in force, for whoever needs a customer's segment, and when it is fitted anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn import registry, segments
from churn.config import Settings
from churn.features.snapshot import Snapshot
from churn.features.store import read_batches
from churn.matrix import Batch, FeatureNames
from churn.schema import models, published, segment_events
from churn.sqlfiles import read_sql

SEGMENT_SAMPLE_ROWS = 50_000


@dataclass(frozen=True)
class SegmentsInForce:
    """A stored segmentation.

    Attributes
    ----------
    segmenter : Segmenter
    model_version : str
    trained_as_of : date
    notes : tuple of str
        What the fit changed, for the run; empty where it was there already.
    """

    segmenter: segments.Segmenter
    model_version: str
    trained_as_of: date
    notes: tuple[str, ...] = ()


def segmenter_in_force(
    reader: Connection,
    connection: Connection,
    snapshot: Snapshot,
    author: registry.Author,
    *,
    as_of: date,
    settings: Settings,
) -> SegmentsInForce:
    """Return the segmentation in force as of a date, fitting one where there is none.

    Parameters
    ----------
    reader, connection : sqlalchemy.Connection
        One streams the snapshot, the other reads and writes the registry.
    snapshot : Snapshot
        What a new segmentation is fitted on: where none is in force, or where this snapshot lacks features of
        the one that is.
    author : Author
        Who is said to have fitted it.
    as_of : date
        On or after `snapshot.as_of`.
    settings : Settings
    """
    found = stored_segments(connection, as_of)
    missing = why_not_usable(found, snapshot)
    if found is not None and missing is None:
        return found
    return fit_anew(reader, connection, snapshot, author, before=found, why=missing or "", settings=settings)


def why_not_usable(found: SegmentsInForce | None, snapshot: Snapshot) -> str | None:
    """Say why a snapshot's customers can't be assigned by a segmentation; None where they can."""
    if found is None:
        return "there were none yet"
    lacking = [name for name in found.segmenter.feature_names if name not in snapshot.feature_set.numbers]
    return f"{', '.join(lacking)} is no longer known of customers" if lacking else None


def why_outdated(
    connection: Connection, found: SegmentsInForce, as_of: date, counts: Sequence[int], settings: Settings
) -> str | None:
    """Say why the segments are to be fitted anew; None where they are not.

    Age counts on every night, so that nights caught up on in order of date are fitted as often as others. Sizes count
    on the latest night in time only: an earlier one keeps the segments that were in force then. A night whose segments
    were fitted as of that same date keeps them.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    found : SegmentsInForce
    as_of : date
    counts : sequence of int
        The night's customers in each segment of `found`, in its order.
    settings : Settings
    """
    age = (as_of - found.trained_as_of).days
    if age <= 0:
        return None
    if age >= settings.segments.refit_days:
        return f"they were {age} days old"
    if not _is_latest(connection, as_of):
        return None
    drift = segments.population_drift(found.segmenter.shares, counts)
    if drift >= settings.segments.psi_refit:
        return f"their sizes had moved since they were fitted (PSI {drift:.2f})"
    return None


def fit_anew(
    reader: Connection,
    connection: Connection,
    snapshot: Snapshot,
    author: registry.Author,
    *,
    before: SegmentsInForce | None,
    why: str,
    settings: Settings,
) -> SegmentsInForce:
    """Fit segments on a snapshot, starting from those before, store them and what became of each.

    Without any before, those in force later give ids and names and nothing else: a night that is caught up on shall
    speak of the same segments as the nights after it, and they did not come before it.
    """
    named_after = before or _first_after(connection, snapshot.as_of)
    fitted = segments.fit_segments(
        FeatureNames(snapshot.feature_set.numbers),
        _sample(reader, snapshot),
        seed=settings.train.seed,
        fewest=settings.segments.fewest,
        most=settings.segments.most,
        previous=None if named_after is None else _with_fresh_ids(connection, named_after.segmenter),
        only_names=before is None,
    )
    model = registry.NewModel(
        kind=registry.SEGMENTS,
        artifact=fitted.segmenter.to_text(),
        trained_as_of=snapshot.as_of,
        details={
            "segments": [asdict(segment) for segment in fitted.segmenter.segments],
            "candidates": [asdict(candidate) for candidate in fitted.candidates],
        },
    )
    stored = registry.adopt(connection, model, author, f"fitted on the snapshot of {snapshot.as_of}: {why}")
    _keep_events(connection, stored, before, author, fitted.events)
    told = _notes(stored, why, () if before is None else fitted.events)
    return SegmentsInForce(fitted.segmenter, stored.model_version, stored.trained_as_of, told)


def segment_names(
    segmenter: segments.Segmenter, names: FeatureNames, numbers: NDArray[np.float32]
) -> NDArray[np.str_] | None:
    """Return the name of each row's segment, shape (n,), or None where a feature of the segments is not there.

    Parameters
    ----------
    segmenter : Segmenter
    names : FeatureNames
    numbers : ndarray of float32, shape (n, len(names.numbers))
    """
    if not set(segmenter.feature_names) <= set(names.numbers):
        return None
    rows = Batch(np.arange(len(numbers)), numbers, np.empty((len(numbers), 0), np.int32))
    ids = next(_ids(segmenter, FeatureNames(names.numbers), rows))
    known = {segment.segment_id: segment.name for segment in segmenter.segments}
    return np.array([known[int(segment_id)] for segment_id in ids], dtype=np.str_)


def _ids(segmenter: segments.Segmenter, names: FeatureNames, rows: Batch) -> Iterator[NDArray[np.int32]]:
    return (ids for _, ids in segments.assign_batches(segmenter, names, [rows]))


def _sample(reader: Connection, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the numbers of every so many customers of a snapshot, shape (n, f), at most `SEGMENT_SAMPLE_ROWS`."""
    step = max(1, -(-snapshot.customers // SEGMENT_SAMPLE_ROWS))
    parts, offset = [], 0
    for batch in read_batches(reader, snapshot, FeatureNames(snapshot.feature_set.numbers)):
        parts.append(batch.numbers[(-offset) % step :: step])
        offset += len(batch)
    return np.concatenate(parts)


# --- what is stored -----------------------------------------------------------------------------------------------


def stored_segments(connection: Connection, as_of: date) -> SegmentsInForce | None:
    """Return the segmentation in force as of a date, or None."""
    return _loaded(registry.in_force(connection, registry.SEGMENTS, as_of))


def _adopted() -> sa.Select[Any]:
    """Select the versions of the segmentations that have been in force, by date."""
    return (
        sa.select(models.c.model_version)
        .where(models.c.kind == registry.SEGMENTS, models.c.status != "challenger")
        .order_by(models.c.trained_as_of, models.c.model_version)
    )


def _first_after(connection: Connection, as_of: date) -> SegmentsInForce | None:
    """Return the earliest segmentation that was fitted after a date, or None."""
    version = connection.scalar(_adopted().where(models.c.trained_as_of > as_of).limit(1))
    return None if version is None else _loaded(registry.stored(connection, version))


def _loaded(stored: registry.StoredModel | None) -> SegmentsInForce | None:
    if stored is None:
        return None
    segmenter = segments.Segmenter.from_text(stored.artifact, stored.sha256)
    return SegmentsInForce(segmenter, stored.model_version, stored.trained_as_of)


def _is_latest(connection: Connection, as_of: date) -> bool:
    """Whether no later night is published, and no segmentation is from after this one."""
    later = sa.select(published.c.as_of_date).where(published.c.as_of_date > as_of).limit(1)
    return connection.scalar(later) is None and _first_after(connection, as_of) is None


def _with_fresh_ids(connection: Connection, segmenter: segments.Segmenter) -> segments.Segmenter:
    """Return the segmentation with a next id that no stored one has given to a segment, on whatever night."""
    highest = connection.execute(read_sql("scores/highest_segment.sql").statement).scalar_one()
    return replace(segmenter, next_id=max(segmenter.next_id, highest + 1))


# --- what became of the segments ----------------------------------------------------------------------------------


def _keep_events(
    connection: Connection,
    stored: registry.StoredModel,
    before: SegmentsInForce | None,
    author: registry.Author,
    events: Sequence[segments.SegmentEvent],
) -> None:
    """Keep what the fit did to each segment; the same segmentation fitted again adds nothing."""
    common = {
        "as_of_date": stored.trained_as_of,
        "model_version": stored.model_version,
        "previous_version": None if before is None else before.model_version,
        "at": author.at,
        "run_id": author.run_id,
    }
    rows = [{**common, **_event_columns(event)} for event in events]
    if rows:
        connection.execute(insert(segment_events).on_conflict_do_nothing(), rows)


def _event_columns(event: segments.SegmentEvent) -> dict[str, Any]:
    columns = asdict(event)
    related = list(columns.pop("related"))
    return {**columns, "related_segments": related}


def _notes(stored: registry.StoredModel, why: str, events: Sequence[segments.SegmentEvent]) -> tuple[str, ...]:
    """Tell that the segments were fitted, and every one that is not what it was."""
    fitted = f"Segments fitted as of {stored.trained_as_of}: {why}."
    return (fitted, *(f"Segment {event.event}: {event.reason}" for event in events if event.event != "kept"))
