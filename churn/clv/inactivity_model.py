"""What a fit of CLV by inactivity leaves behind: three models, how well they are known, and their text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from churn.clv.bg_nbd import BgNbdParams
from churn.clv.gamma_gamma import GammaGammaParams
from churn.clv.pareto_nbd import ParetoNbdParams

FORMAT = 2


@dataclass(frozen=True)
class InactivityModel:
    """CLV where churn is inactivity.

    Attributes
    ----------
    purchases : BgNbdParams
        BG/NBD: it drives the expected purchases, CLV and its intervals.
    spend : GammaGammaParams
    dropout : ParetoNbdParams or None
        Pareto/NBD, for `p_alive`; None in models of format 1, which leave `p_alive` unknown.
    factor : tuple of 7 tuples of m floats, or empty
        Its product with its transpose is the covariance of the logarithms of (r, alpha, a, b, p, q, v) as estimated; a
        parameter at a bound has a row of zeros, and so have the four of purchases and the three of spend in each
        other's columns. Empty where it is not known (format 1).
    notes : tuple of str
        What whoever reads the run should know about the fit.
    level_sd : float
        Standard deviation of the logarithm of the level of everybody's CLV, from a backtest, by whoever ran one; 0 in
        texts that do not say it.
    """

    purchases: BgNbdParams
    spend: GammaGammaParams
    dropout: ParetoNbdParams | None = None
    factor: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()
    level_sd: float = 0.0


def inactivity_fields(model: InactivityModel) -> dict[str, Any]:
    """Return the model as plain values for JSON, with the format that it is in."""
    return {"format": FORMAT, **asdict(model)}


def inactivity_from_fields(fields: dict[str, Any]) -> InactivityModel:
    """Return the model that `inactivity_fields` described, or one of format 1.

    Raises
    ------
    KeyError, TypeError, ValueError
        The fields are not those of such a model.
    """
    if fields.get("format", 1) not in (1, FORMAT):
        raise ValueError(f"format {fields['format']}")
    dropout = fields.get("dropout")
    return InactivityModel(
        BgNbdParams(**fields["purchases"]),
        GammaGammaParams(**fields["spend"]),
        None if dropout is None else ParetoNbdParams(**dropout),
        tuple(tuple(float(value) for value in row) for row in fields.get("factor", ())),
        tuple(str(note) for note in fields.get("notes", ())),
        float(fields.get("level_sd", 0.0)),
    )
