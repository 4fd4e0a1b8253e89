"""Whom a night explains: who could be listed, the riskiest tenth, and a sample of the others for the drivers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.retention import HIGH_FROM_PERCENTILE
from churn.risk import customer_share

SAMPLE_SHARE = 5
"""One explained customer in five, at most, is one of the others."""

SAMPLE_SEED = 1


@dataclass(frozen=True)
class Scored:
    """The night's customers, ordered by key.

    Attributes
    ----------
    customer_keys, segment_ids : ndarray of int64, shape (n,)
    risk_score, risk_percentile : ndarray of float64, shape (n,)
    """

    customer_keys: NDArray[np.int64]
    segment_ids: NDArray[np.int64]
    risk_score: NDArray[np.float64]
    risk_percentile: NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """The customers to explain.

    Attributes
    ----------
    places : ndarray of int64, shape (k,)
        Where they stand among the scored, ascending.
    is_told : ndarray of bool, shape (k,)
        Who could be listed and the riskiest: their reasons are shown. The others are there to weigh the drivers.
    weights : ndarray of float64, shape (k,)
        How many customers of the night each stands for.
    left_out : int
        Customers who could be listed or are among the riskiest tenth, for whom the cap leaves no room.
    """

    places: NDArray[np.int64]
    is_told: NDArray[np.bool_]
    weights: NDArray[np.float64]
    left_out: int


def choose(scored: Scored, listed: NDArray[np.int64], most: int) -> Chosen:
    """Choose at most `most` customers to explain; the same night gives the same choice.

    Who is or could be listed comes first, then the riskiest of the top decile, as far as there is room. Of all others,
    a fixed sample by hash stands for its segment's customers: half of its places go to the segments by size, half in
    equal parts, so that a small segment has a sample worth the name.

    Parameters
    ----------
    scored : Scored
    listed : ndarray of int64
        Keys of the customers who are or could be listed, the first to explain first.
    most : int
        At least 1.
    """
    turn = np.full(len(scored.customer_keys), len(listed))
    known = np.isin(listed, scored.customer_keys)
    turn[np.searchsorted(scored.customer_keys, listed[known])] = np.flatnonzero(known)
    wanted = np.flatnonzero((turn < len(listed)) | (scored.risk_percentile >= HIGH_FROM_PERCENTILE))
    urgent = np.lexsort((scored.customer_keys[wanted], -scored.risk_score[wanted], turn[wanted]))
    others = len(scored.customer_keys) - len(wanted)
    room = max(1, most - min(others, most // SAMPLE_SHARE))
    told = wanted[urgent[:room]]
    rest = np.setdiff1d(np.arange(len(scored.customer_keys)), told, assume_unique=True)
    sampled, weights = _sample(scored, rest, min(most // SAMPLE_SHARE, most - len(told)))
    places = np.concatenate([told, sampled])
    order = np.argsort(places, kind="stable")
    return Chosen(
        places[order],
        np.concatenate([np.ones(len(told), np.bool_), np.zeros(len(sampled), np.bool_)])[order],
        np.concatenate([np.ones(len(told)), weights])[order],
        len(wanted) - len(told),
    )


def _sample(scored: Scored, rest: NDArray[np.intp], most: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return (places, weights) of a sample of `rest`, at most `most`, by segment."""
    segments, sizes = np.unique(scored.segment_ids[rest], return_counts=True)
    share = customer_share(scored.customer_keys[rest], SAMPLE_SEED)
    places, weights = [np.empty(0, np.intp)], [np.empty(0)]
    for segment, size in zip(segments.tolist(), sizes.tolist(), strict=True):
        count = min(size, most // 2 * size // len(rest) + most // 2 // len(segments))
        members = np.flatnonzero(scored.segment_ids[rest] == segment)
        places.append(rest[members[np.argsort(share[members], kind="stable")[:count]]])
        weights.append(np.full(count, size / max(count, 1)))
    return np.concatenate(places), np.concatenate(weights)
