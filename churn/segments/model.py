"""A fitted segmentation: assigns customers to the nearest centroid, and travels as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.segments.scaling import Floats, ScaledFeature

KIND = "segments"


@dataclass(frozen=True)
class Segment:
    """A segment as marketing sees it.

    Attributes
    ----------
    segment_id : int
        1, 2, ..., the most valuable first.
    name : str
        Unique within a segmentation.
    description : str
        The name, with up to three facts that justify it.
    """

    segment_id: int
    name: str
    description: str


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
    """

    features: tuple[ScaledFeature, ...]
    centroids: tuple[tuple[float, ...], ...]
    segments: tuple[Segment, ...]

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

    def nearest(self, scaled: Floats) -> NDArray[np.int32]:
        """Return the segment id of each row of `scaled` (n, f), shape (n,); a tie goes to the lowest id."""
        best = np.full(len(scaled), np.inf)
        ids = np.full(len(scaled), self.segments[0].segment_id, dtype=np.int32)
        for segment, centroid in zip(self.segments, self.centroids, strict=True):
            # No matrix product: its rounding depends on the BLAS and its threads.
            distance = ((scaled - np.asarray(centroid)) ** 2).sum(axis=1)
            closer = distance < best
            best[closer], ids[closer] = distance[closer], segment.segment_id
        return ids

    def to_text(self) -> str:
        """Return canonical JSON: sorted keys, no spaces, decimals that restore the same floats."""
        return json.dumps({"kind": KIND, **asdict(self)}, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def sha256(self) -> str:
        """Return the digest of `to_text`, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str, expected_sha256: str) -> Segmenter:
        """Return the segmentation that `to_text` wrote.

        Raises
        ------
        ModelError
            The text is not the one that was registered, or is no segmentation.
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
        if fields["kind"] != KIND:
            raise ValueError(f"kind {fields['kind']}")
        return cls(
            features=tuple(ScaledFeature(**feature) for feature in fields["features"]),
            centroids=tuple(tuple(float(value) for value in centroid) for centroid in fields["centroids"]),
            segments=tuple(Segment(**segment) for segment in fields["segments"]),
        )


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
        values = batch.numbers[:, columns].astype(np.float64)
        yield batch.customer_keys, segmenter.nearest(segmenter.scaled(values))
