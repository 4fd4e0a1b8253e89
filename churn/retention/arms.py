"""Which customers of a campaign are left alone, so that what it did can be measured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from churn.errors import ConfigError

TREATMENT = "treatment"
HOLDOUT = "holdout"


def assign_arms(customer_ids: Sequence[str], *, seed: int, campaign: str, holdout_share: float) -> NDArray[np.str_]:
    """Return `treatment` or `holdout` for each customer, shape (n,).

    Held out is who has hash(seed, campaign, customer) < share. The hash is SHA-256, so a customer stays on
    one side of a campaign on every machine, night and list, and raising the share moves customers only from
    treatment to holdout (methods.md C).

    Parameters
    ----------
    customer_ids : sequence of str, length n
    seed : int
        The installation's seed.
    campaign : str
        Name of the campaign; another campaign draws anew.
    holdout_share : float
        Expected share held out, in [0, 1].

    Raises
    ------
    ConfigError
        The share lies outside [0, 1].
    """
    if not 0 <= holdout_share <= 1:
        raise ConfigError(
            f"retention.holdout_share is {holdout_share}.",
            "Set it between 0 (no holdout) and 1 in churn.toml.",
        )
    # The campaign's length keeps ("a:b", "c") apart from ("a", "b:c").
    prefix = f"{seed}:{len(campaign)}:{campaign}:"
    arms = [HOLDOUT if _uniform(prefix + customer) < holdout_share else TREATMENT for customer in customer_ids]
    return np.array(arms, dtype="U9")


def _uniform(text: str) -> float:
    """Return a number in [0, 1) with 53 bits that the text alone decides."""
    digest = hashlib.sha256(text.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53
