"""What the rows looked like that a model learned from, column by column, for nights to be compared with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.risk.data import Floats, TrainingSet, sampled_customers

SCORE = "churn_probability"
REFERENCE_ROWS = 100_000

_DECILES = np.arange(1, 10) / 10
_REFERENCE_SEED = 0


@dataclass(frozen=True)
class NumberShares:
    """How a number is spread.

    Attributes
    ----------
    name : str
    edges : tuple of float
        Ascending; bin i holds the values in (edges[i - 1], edges[i]]. They are the deciles; a value that makes up
        several deciles has a bin of its own.
    shares : tuple of float, length len(edges) + 2
        Share of the rows in each bin, the missing last; they sum to 1.
    """

    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def places(self, values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return each value's bin, shape (n,); the last one for missing values."""
        known = values.astype(np.float32)
        bins = np.searchsorted(np.array(self.edges), known.astype(np.float64), side="left")
        return np.where(np.isnan(known), len(self.edges) + 1, bins).astype(np.int64)


@dataclass(frozen=True)
class CategoryShares:
    """How a category is spread.

    Attributes
    ----------
    name : str
    levels : tuple of str
        The values that the model knows.
    shares : tuple of float, length len(levels) + 1
        Share of the rows with each of them, missing or other values last; they sum to 1.
    """

    name: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """How features and score were spread over the rows that a model learned from.

    Attributes
    ----------
    numbers : tuple of NumberShares
    categories : tuple of CategoryShares
    score : NumberShares
        Of the final model's probability for those rows, named `churn_probability`.
    customers : int
        Distinct customers among the rows.
    """

    numbers: tuple[NumberShares, ...]
    categories: tuple[CategoryShares, ...]
    score: NumberShares
    customers: int

    def to_json(self) -> dict[str, Any]:
        """Return it as lists, dicts, texts and numbers; equal references give equal content."""
        return {
            "numbers": [_plain(spread) for spread in self.numbers],
            "categories": [_plain(spread) for spread in self.categories],
            "score": _plain(self.score),
            "customers": self.customers,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Reference:
        """Read back what `to_json` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else.
        """
        return cls(
            tuple(_number(spread) for spread in content["numbers"]),
            tuple(_category(spread) for spread in content["categories"]),
            _number(content["score"]),
            int(content["customers"]),
        )


# --- training -----------------------------------------------------------------------------------------------------


def make_reference(data: TrainingSet, probability: Floats) -> Reference:
    """Describe the training rows, for later nights to be compared with.

    Parameters
    ----------
    data : TrainingSet
        Of more than `REFERENCE_ROWS` rows a uniform sample of whole customers is described.
    probability : ndarray of float64, shape (n,)
        The final model's calibrated probability of each row.
    """
    kept = sampled_customers(data.customer_keys, REFERENCE_ROWS, _REFERENCE_SEED)
    weight = data.weight[kept]
    numbers = tuple(
        _number_shares(name, data.numbers[kept, place], weight) for place, name in enumerate(data.names.numbers)
    )
    categories = tuple(
        _category_shares(name, levels, data.codes[kept, place], weight)
        for place, (name, levels) in enumerate(zip(data.names.categories, data.names.levels, strict=True))
    )
    customers = len(np.unique(data.customer_keys[kept]))
    return Reference(numbers, categories, _number_shares(SCORE, probability[kept], weight), customers)


def _number_shares(name: str, values: NDArray[np.floating[Any]], weight: Floats) -> NumberShares:
    known = values.astype(np.float32)
    spread = NumberShares(name, _edges(known, weight), ())
    counts = np.bincount(spread.places(known), weight, minlength=len(spread.edges) + 2)
    return NumberShares(name, spread.edges, _shares(counts))


def _edges(values: NDArray[np.float32], weight: Floats) -> tuple[float, ...]:
    """Return the weighted deciles; a value that fills two of them is parted from what lies below it, too."""
    present = ~np.isnan(values) & (weight > 0)
    order = np.argsort(values[present], kind="stable")
    ordered, reached = values[present][order], np.cumsum(weight[present][order])
    if len(ordered) == 0:
        return ()
    places = np.searchsorted(reached, _DECILES * reached[-1] * (1 - 1e-12), side="left")
    deciles, times = np.unique(ordered[np.minimum(places, len(ordered) - 1)], return_counts=True)
    below = np.nextafter(deciles[times > 1], np.float32(-np.inf))
    return tuple(float(edge) for edge in np.unique(np.concatenate([deciles, below])))


def _category_shares(name: str, levels: tuple[str, ...], codes: NDArray[np.int32], weight: Floats) -> CategoryShares:
    places = np.where(codes < 0, len(levels), codes)
    return CategoryShares(name, levels, _shares(np.bincount(places, weight, minlength=len(levels) + 1)))


def _shares(counts: NDArray[Any]) -> tuple[float, ...]:
    total = float(counts.sum())
    return tuple(float(count) / total if total > 0 else 0.0 for count in counts)


# --- JSON ---------------------------------------------------------------------------------------------------------


def _plain(spread: NumberShares | CategoryShares) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(spread).items()}


def _number(content: dict[str, Any]) -> NumberShares:
    edges, shares = tuple(map(float, content["edges"])), tuple(map(float, content["shares"]))
    if len(shares) != len(edges) + 2:
        raise ValueError(f"{content['name']}: {len(shares)} shares for {len(edges)} edges")
    return NumberShares(str(content["name"]), edges, shares)


def _category(content: dict[str, Any]) -> CategoryShares:
    levels, shares = tuple(map(str, content["levels"])), tuple(map(float, content["shares"]))
    if len(shares) != len(levels) + 1:
        raise ValueError(f"{content['name']}: {len(shares)} shares for {len(levels)} levels")
    return CategoryShares(str(content["name"]), levels, shares)
