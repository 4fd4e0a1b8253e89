"""The shape in which features reach a model: named columns in batches, no database in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError


@dataclass(frozen=True)
class FeatureNames:
    """Names and order of the columns of a feature set.

    Attributes
    ----------
    numbers : tuple of str
        Numeric features, in the order of `Batch.numbers`' columns.
    categories : tuple of str
        Categorical features, in the order of `Batch.codes`' columns.
    levels : tuple of tuple of str
        For each categorical feature its known values; a code is an index into them.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()

    def number_columns(self, wanted: Sequence[str], *, needed_by: str) -> list[int]:
        """Return the positions of the `wanted` numeric features.

        Raises
        ------
        ModelError
            A wanted feature is not in this feature set.
        """
        missing = [name for name in wanted if name not in self.numbers]
        if missing:
            raise ModelError(
                f"{needed_by} needs features that this night did not compute: {', '.join(missing)}.",
                "Map the entity they come from, or train again with `churn train`.",
            )
        return [self.numbers.index(name) for name in wanted]


@dataclass(frozen=True)
class Batch:
    """Some customers of one feature snapshot, ordered by `customer_key`.

    Attributes
    ----------
    customer_keys : ndarray of int64, shape (n,)
    numbers : ndarray of float32, shape (n, len(names.numbers))
        Missing values are NaN.
    codes : ndarray of int32, shape (n, len(names.categories))
        Index into the category's levels; -1 is missing or not among them.
    """

    customer_keys: NDArray[np.int64]
    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of customers in the batch."""
        return len(self.customer_keys)


def number_column(names: FeatureNames, batch: Batch, name: str) -> NDArray[np.float64]:
    """Return one numeric feature of a batch as float64, shape (n,); all NaN where the set lacks it."""
    if name not in names.numbers:
        return np.full(len(batch), np.nan)
    return batch.numbers[:, names.numbers.index(name)].astype(np.float64)
