"""A fitted segmentation: assigns customers to the nearest or likeliest segment, and travels as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.segments.assignment import closest
from churn.segments.meaning import Meaning, meaning_of_name
from churn.segments.scaling import Floats, ScaledFeature

KIND, VERSION = "segments", 2
LEAST_SHARE, HALF_A_CUSTOMER = 1e-4, 0.5


@dataclass(frozen=True)
class Segment:
    """A segment as marketing sees it.

    Attributes
    ----------
    segment_id : int
        At the first fit 1, 2, ..., the most valuable first; later segments get numbers never used before.
    name : str
        Unique within a segmentation.
    description : str
        The name, with up to three facts that justify it.
    meaning : Meaning or None
        The tiers behind the name; None for "All customers".
    """

    segment_id: int
    name: str
    description: str
    meaning: Meaning | None = None


@dataclass(frozen=True)
class Spread:
    """How a Gaussian mixture's segment is spread: it takes more room, and more customers, than its neighbours.

    Attributes
    ----------
    weight : float
        Share of customers, above 0.
    variances : tuple of float, length f
        In squared weighted scaled units, each above 0.
    """

    weight: float
    variances: tuple[float, ...]


@dataclass(frozen=True)
class Segmenter:
    """A fitted segmentation.

    Attributes
    ----------
    features : tuple of ScaledFeature, length f
        Empty where nothing sets customers apart.
    centroids : tuple of tuple of float, shape (k, f)
        In weighted scaled units, in the order of `segments`.
    segments : tuple of Segment, length k >= 1
    spreads : tuple of Spread, length k or 0
        Of a Gaussian mixture with diagonal covariance; empty for k-means.
    shares : tuple of float, length k or 0
        Shares of the customers it was fitted on; empty in an artifact of format 1.
    radii : tuple of float, length k or 0
        Distance from the centroid that 99 % of the segment's customers kept within, in weighted scaled units.
    next_id : int
        The id of the next segment to be born; above every id ever used.
    """

    features: tuple[ScaledFeature, ...]
    centroids: tuple[tuple[float, ...], ...]
    segments: tuple[Segment, ...]
    spreads: tuple[Spread, ...] = ()
    shares: tuple[float, ...] = ()
    radii: tuple[float, ...] = ()
    next_id: int = 1

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features that assignment needs."""
        return tuple(feature.name for feature in self.features)

    def scaled(self, columns: Floats) -> Floats:
        """Return weighted scaled values, shape (n, f), of columns in the order of `features`."""
        result = np.empty(columns.shape)
        for j, feature in enumerate(self.features):
            result[:, j] = feature.scaled(columns[:, j]) * feature.weight
        return result

    def positions(self, scaled: Floats) -> NDArray[np.intp]:
        """Return the position in `segments` of each row of `scaled` (n, f), shape (n,); a tie goes to the lowest id.

        With `spreads` it is the likeliest segment (weight times density), else the nearest centroid.
        """
        order = sorted(range(len(self.segments)), key=lambda i: self.segments[i].segment_id)
        centroids = np.array([self.centroids[i] for i in order], dtype=np.float64)
        if not self.spreads:
            return np.asarray(order)[closest(scaled, centroids)]
        spreads = [self.spreads[i] for i in order]
        variances = np.array([spread.variances for spread in spreads], dtype=np.float64)
        weights = np.array([spread.weight for spread in spreads], dtype=np.float64)
        return np.asarray(order)[closest(scaled, centroids, variances, weights)]

    def nearest(self, scaled: Floats) -> NDArray[np.int32]:
        """Return the segment id of each row of `scaled` (n, f), shape (n,)."""
        ids = np.array([segment.segment_id for segment in self.segments], dtype=np.int32)
        return np.asarray(ids[self.positions(scaled)], dtype=np.int32)

    def assign(self, columns: Floats) -> NDArray[np.int32]:
        """Return the segment id, shape (n,), of rows (n, f) in the features' own units, NaN where missing.

        The columns are those of `feature_names`, in that order.
        """
        return self.nearest(self.scaled(columns))

    def to_text(self) -> str:
        """Return canonical JSON: sorted keys, no spaces, decimals that restore the same floats."""
        fields = {"kind": KIND, "version": VERSION, **asdict(self)}
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def sha256(self) -> str:
        """Return the digest of `to_text`, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str, expected_sha256: str) -> Segmenter:
        """Return the segmentation that `to_text` wrote, in this or the first format.

        Raises
        ------
        ModelError
            The text is not the one that was registered, or is no segmentation of a known format.
        """
        mend = "Train again with `churn train`, or roll back with `churn models rollback`."
        if hashlib.sha256(text.encode()).hexdigest() != expected_sha256:
            raise ModelError("The stored segments are not those that were registered: the digest differs.", mend)
        try:
            return cls._from_fields(json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The stored segments can't be read: {error!r}.", mend) from error

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Segmenter:
        """Build a segmentation; KeyError, TypeError or ValueError where the fields are not one."""
        if fields["kind"] != KIND or fields.get("version", 1) not in (1, VERSION):
            raise ValueError(f"kind {fields['kind']}, version {fields.get('version', 1)}")
        features = tuple(ScaledFeature(**feature) for feature in fields["features"])
        segments = tuple(_segment(segment, features) for segment in fields["segments"])
        return cls(
            features=features,
            centroids=tuple(_numbers(centroid) for centroid in fields["centroids"]),
            segments=segments,
            spreads=tuple(Spread(s["weight"], _numbers(s["variances"])) for s in fields.get("spreads", ())),
            shares=_numbers(fields.get("shares", ())),
            radii=_numbers(fields.get("radii", ())),
            next_id=int(fields.get("next_id", 1 + max(segment.segment_id for segment in segments))),
        )


def _numbers(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _segment(fields: dict[str, Any], features: tuple[ScaledFeature, ...]) -> Segment:
    """Return a stored segment; the first format did not store what the name means."""
    if "meaning" in fields:
        meaning = None if fields["meaning"] is None else Meaning(**fields["meaning"])
    else:
        meaning = meaning_of_name(fields["name"], (feature.name for feature in features)) if features else None
    return Segment(fields["segment_id"], fields["name"], fields["description"], meaning)


def assign_batches(
    segmenter: Segmenter, names: FeatureNames, batches: Iterable[Batch]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Yield the customer keys and segment ids of one batch after another, each of shape (n,).

    Raises
    ------
    ModelError
        The feature set lacks a feature that the segments were fitted on.
    """
    columns = names.number_columns(segmenter.feature_names, needed_by="The segmentation")
    for batch in batches:
        yield batch.customer_keys, segmenter.assign(batch.numbers[:, columns].astype(np.float64))


def population_drift(expected_shares: Sequence[float], found_counts: Sequence[int]) -> float:
    """Return how far the sizes of the segments have moved since the fit, as a population stability index.

    Parameters
    ----------
    expected_shares : sequence of float, length k or 0
        `Segmenter.shares`; empty where the artifact does not know them.
    found_counts : sequence of int, length k
        Customers found in each segment, in the order of `Segmenter.segments`.

    Returns
    -------
    float
        Sum of (found - expected) * ln(found / expected) over shares, at least 0; below 0.1 is usually called stable,
        0.25 moved. 0 where there is nothing to compare: no shares, or no customers. A share below 0.0001, or below
        half a customer's, counts as that.

    Raises
    ------
    ValueError
        The lengths differ.

    References
    ----------
    Siddiqi 2006, Credit Risk Scorecards.
    """
    customers = float(sum(found_counts))
    if not expected_shares or customers <= 0:
        return 0.0
    if len(expected_shares) != len(found_counts):
        raise ValueError(f"{len(expected_shares)} shares, {len(found_counts)} counts")
    least = max(LEAST_SHARE, HALF_A_CUSTOMER / customers)
    was = np.maximum(np.asarray(expected_shares, dtype=np.float64), least)
    now = np.maximum(np.asarray(found_counts, dtype=np.float64) / customers, least)
    return float(np.sum((now - was) * np.log(now / was)))
