"""A trained model as data: canonical JSON with a SHA-256, no code inside."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, cast

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.risk.calibration import Calibrator, clipped_expit
from churn.risk.data import Floats, Integers, TrainSettings
from churn.risk.logistic import LogisticModel
from churn.risk.reference import Reference
from churn.risk.season import Season

FORMAT = "churn-risk-model/2"
FIRST_FORMAT = "churn-risk-model/1"
# They change what is refused, judged or how fast, and not the model.
NOT_SHAPING = ("threads", "list_size", "replicates", "min_churners")
Kind = Literal["lightgbm", "logistic"]


@dataclass(frozen=True)
class ScoredBatch:
    """Scores of some customers.

    Attributes
    ----------
    customer_keys : ndarray of int64, shape (n,)
    risk_score : ndarray of float64, shape (n,)
        Ranks, higher = riskier: raw log-odds of a model, or days of silence.
    churn_probability : ndarray of float64, shape (n,)
        Calibrated, in [1e-5, 1 - 1e-5]; NaN where nothing was calibrated.
    """

    customer_keys: Integers
    risk_score: Floats
    churn_probability: Floats


@dataclass(frozen=True)
class RiskModel:
    """Everything that scoring needs, and where it came from.

    Attributes
    ----------
    kind : {"lightgbm", "logistic"}
    names : FeatureNames
        The customers' features it uses, in its own order, with the levels it knows; without season columns.
    booster_text : str
        LightGBM's model text; empty for a logistic model.
    logistic : LogisticModel or None
        The coefficients; None for a LightGBM model.
    calibrator : Calibrator
        From raw log-odds to probability.
    first_as_of, last_as_of : date
        The first and the last snapshot that it was fitted on.
    labels_end : date
        When the last of its labels matured (last_as_of + horizon + grace): a night before it is in-sample.
    base_rate : float
        Share of churned customer-months in training.
    trees : int
        Number of trees; 0 for a logistic model.
    settings : TrainSettings
    season : Season
        What it knows of the time of the year.
    definitions : mapping of str to str
        Feature to the SHA-256 of the SQL that computed it in training; empty where that was not kept.
    reference : Reference or None
        How features and score were spread in training; None where that was not kept.
    """

    kind: Kind
    names: FeatureNames
    booster_text: str
    logistic: LogisticModel | None
    calibrator: Calibrator
    first_as_of: date
    last_as_of: date
    labels_end: date
    base_rate: float
    trees: int
    settings: TrainSettings
    season: Season = field(default_factory=Season)
    definitions: Mapping[str, str] = field(default_factory=dict)
    reference: Reference | None = None

    @property
    def input_names(self) -> FeatureNames:
        """Return the names of the columns that the model itself takes: `names` with the season's behind the numbers."""
        return dataclasses.replace(self.names, numbers=(*self.names.numbers, *self.season.columns))

    def probability(self, raw: Floats, as_of: date) -> Floats:
        """Return the calibrated probability of a night's raw log-odds, shape (n,), in [1e-5, 1 - 1e-5]."""
        return clipped_expit(self.calibrator.log_odds(raw) + self.season.shift(as_of))

    def to_text(self) -> str:
        """Return the model as canonical JSON: sorted keys, no spaces, ASCII; equal models give equal text.

        Settings that shape no model (`NOT_SHAPING`) are left out: another length of the list is no new model.
        """
        content = {name: getattr(self, name) for name in (each.name for each in dataclasses.fields(self))}
        for name in ("names", "logistic", "calibrator", "settings", "season"):
            content[name] = None if content[name] is None else dataclasses.asdict(content[name])
        content |= {"format": FORMAT, "definitions": dict(self.definitions)}
        content["reference"] = None if self.reference is None else self.reference.to_json()
        content["settings"] = {name: value for name, value in content["settings"].items() if name not in NOT_SHAPING}
        for name in ("first_as_of", "last_as_of", "labels_end"):
            content[name] = content[name].isoformat()
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of `to_text()`."""
        return text_sha256(self.to_text())

    @classmethod
    def from_text(cls, text: str, expected_sha256: str) -> RiskModel:
        """Read a stored model back.

        Raises
        ------
        ModelError
            If the text does not have the expected SHA-256, or is not a model of this format.
        """
        found = text_sha256(text)
        if found != expected_sha256:
            raise ModelError(
                f"The stored churn model is damaged: its SHA-256 is {found[:12]}…, "
                f"the registry says {expected_sha256[:12]}….",
                "Restore it from a backup, roll back to another model, or train again with `churn train`.",
            )
        try:
            return _parsed(json.loads(text))
        except (ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"The stored text is not a churn model of format {FORMAT}: {error!r}.",
                "Train again with `churn train`.",
            ) from error


def text_sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _parsed(content: dict[str, Any]) -> RiskModel:
    if content["format"] == FIRST_FORMAT:
        content = _upgraded(content)
    if content["format"] != FORMAT:
        raise ValueError(f"format is {content['format']!r}")
    kind = content["kind"]
    if kind not in ("lightgbm", "logistic"):
        raise ValueError(f"kind is {kind!r}")
    logistic = content["logistic"]
    has_trees = bool(content["booster_text"])
    if (kind == "logistic") != (logistic is not None) or (kind == "lightgbm") != has_trees:
        raise ValueError(f"a {kind} model without its parameters")
    return RiskModel(
        kind=cast(Kind, kind),
        names=_parsed_names(content["names"]),
        booster_text=str(content["booster_text"]),
        logistic=None if logistic is None else _parsed_logistic(logistic),
        calibrator=Calibrator.from_json(content["calibrator"]),
        first_as_of=date.fromisoformat(content["first_as_of"]),
        last_as_of=date.fromisoformat(content["last_as_of"]),
        labels_end=date.fromisoformat(content["labels_end"]),
        base_rate=float(content["base_rate"]),
        trees=int(content["trees"]),
        settings=TrainSettings(**content["settings"]),
        season=Season(content["season"]["kind"], tuple(float(shift) for shift in content["season"]["shifts"])),
        definitions={str(name): str(sha) for name, sha in content["definitions"].items()},
        reference=None if content["reference"] is None else Reference.from_json(content["reference"]),
    )


def _upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of format 1 as format 2, with none of what came later."""
    known = {each.name for each in dataclasses.fields(TrainSettings)}
    return content | {
        "format": FORMAT,
        "settings": {name: value for name, value in content["settings"].items() if name in known},
        "season": {"kind": "none", "shifts": []},
        "definitions": {},
        "reference": None,
    }


def _parsed_names(content: dict[str, Any]) -> FeatureNames:
    levels = tuple(tuple(known) for known in content["levels"])
    names = FeatureNames(tuple(content["numbers"]), tuple(content["categories"]), levels)
    if len(names.categories) != len(names.levels):
        raise ValueError("categories and levels differ in number")
    return names


def _parsed_logistic(content: dict[str, Any]) -> LogisticModel:
    return LogisticModel(
        medians=tuple(content["medians"]),
        spreads=tuple(content["spreads"]),
        level_counts=tuple(content["level_counts"]),
        intercept=float(content["intercept"]),
        coefficients=tuple(content["coefficients"]),
    )
