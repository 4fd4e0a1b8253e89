"""A test that promises far more than nights came to: the trace of a leak that no single column showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn.risk.boosting import lightgbm
from churn.risk.cells import Feature, area, cell_count, cells_of, counted, edges_of, features_of
from churn.risk.data import Bools, TrainingSet
from churn.risk.leakage import FEWEST_CHURNERS, Leak
from churn.risk.model import RiskModel

FAR = 0.1


@dataclass(frozen=True)
class Area:
    """An AUC-ROC with its 95 % interval."""

    value: float
    low: float
    high: float

    def is_far_above(self, other: Area) -> bool:
        """Say whether it is higher by more than 0.1 and the intervals don't touch; never where a bound is unknown."""
        return self.value - other.value > FAR and self.low > other.high


@dataclass(frozen=True)
class Claim:
    """What an earlier model promised out of time, and what its published nights came to."""

    model_version: str
    claimed: Area
    realised: Area


def broken_claim(tested: Area, claims: list[Claim]) -> Claim | None:
    """Return the earlier model that promised far more than it kept, where the new one promises as much again.

    The new test lies in the months of the realised nights. A new model that is better because it is given more is no
    leak if the earlier one kept what it promised; a business that changed is none if the new test knows of it.
    """
    broken = (
        claim for claim in claims if claim.claimed.is_far_above(claim.realised) and tested.is_far_above(claim.realised)
    )
    return next(broken, None)


def suspect(data: TrainingSet, captured: Bools, model: RiskModel) -> Leak:
    """Name the feature that looks the more different the later it was computed.

    Parameters
    ----------
    data : TrainingSet
    captured : ndarray of bool, shape (n,)
        The rows of snapshots that were kept as computed on their night.
    model : RiskModel
        The new model: where too few churners were captured, the feature that it gains most by is named.
    """
    few = min(float(data.churned[rows].sum()) for rows in (captured, ~captured))
    if few < FEWEST_CHURNERS:
        return Leak(_largest_gain(data, model), "is what the model gains most by")
    known = [
        feature
        for feature in features_of(data.names, data.numbers, data.codes)
        if all(_is_known(feature, rows) for rows in (captured, ~captured))
    ]
    areas = {
        feature.name: (own_area(feature, data.churned, ~captured), own_area(feature, data.churned, captured))
        for feature in known
    }
    name = max(areas, key=lambda each: areas[each][0] - areas[each][1])
    before, kept = areas[name]
    return Leak(
        name,
        f"alone has AUC {before:.3f} in the snapshots that were reconstructed later, and {kept:.3f} in those that "
        "were kept on their night",
    )


def own_area(feature: Feature, churned: Bools, rows: Bools) -> float:
    """Return the AUC of one feature's rates by cell on the rows they were learned on."""
    edges = edges_of(feature)
    cells, count = cells_of(feature, edges), cell_count(feature, edges)
    left, stayed = counted(cells, rows & churned, count), counted(cells, rows & ~churned, count)
    return area(left, stayed, (left + 1) / (left + stayed + 2))


def _is_known(feature: Feature, rows: Bools) -> bool:
    values = feature.values[rows]
    return bool(np.isfinite(values).any()) if feature.levels is None else bool((values >= 0).any())


def _largest_gain(data: TrainingSet, model: RiskModel) -> str:
    """Return the customers' feature that splits gain most by; for a logistic model the best single one."""
    if model.kind == "lightgbm":
        gains = lightgbm().Booster(model_str=model.booster_text).feature_importance("gain")
        columns = (*model.input_names.numbers, *model.input_names.categories)
        own = {*model.names.numbers, *model.names.categories}
        return max((gain, name) for gain, name in zip(gains, columns, strict=True) if name in own)[1]
    everywhere = np.ones(len(data), dtype=np.bool_)
    features = features_of(data.names, data.numbers, data.codes)
    return max((own_area(each, data.churned, everywhere), each.name) for each in features)[1]
