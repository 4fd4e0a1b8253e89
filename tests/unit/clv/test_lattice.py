"""Quasi-random numbers of a customer."""

from __future__ import annotations

import numpy as np

from churn.clv.lattice import DRAWS, uniforms


def test_neighbouring_keys_seeds_and_dimensions_share_no_numbers() -> None:
    keys = np.arange(2_000)
    offsets = np.concatenate([np.mod(uniforms(keys, seed, 8)[1:6, :, 0], 1.0) for seed in (20, 21)])
    assert len(np.unique(offsets)) == offsets.size
    assert np.abs(np.corrcoef(offsets) - np.eye(10)).max() < 0.1
    assert np.abs([np.corrcoef(row[1:], row[:-1])[0, 1] for row in offsets]).max() < 0.1
    assert uniforms(keys, 20, 8)[:5].tolist() == uniforms(keys, 20, 5).tolist()


def test_each_dimension_is_spread_evenly_over_a_customers_draws() -> None:
    found = np.sort(uniforms(np.arange(50), 20, 12), axis=2)
    assert np.abs(found - (np.arange(DRAWS) + 0.5) / DRAWS).max() < 0.03
