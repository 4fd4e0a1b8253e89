"""What lets a night go on that checks have stopped: by check, the mend, or the key where the change is right."""

from __future__ import annotations

from collections.abc import Sequence

_FEED = (
    "mend the feed of the table that is named, then {again}; where the change is real, CHURN_QUALITY__VOLUME_FAIL=0.9 "
    "{again} (=1 where nothing is left)"
)
_SCORES = (
    "mend the feeds that have moved (bi.feature_drift), then {again}; where the change is real, "
    "CHURN_MONITORING__PSI_FAIL=9 {again}, then churn train"
)
_ROWS = "correct the rows in the source, then {again}"
_FEATURES = "{night} --recompute"
_MODEL = "churn models list, churn models rollback --reason TEXT, then {again}"
_LIST = "{night} --replace-list where the list was not sent yet, and report it where it fails again"
_EXTRACTION = "churn extract, then {again}, and report it where it fails again"
_OURS = "{night} --fresh, and report it where it fails again: it is a fault of churn, or somebody has written there"
_ANY = "mend the source of the table that is named, then {again}"

_BY_CHECK = {
    "volume": _FEED,
    "feature_drift_score": _SCORES,
    "feature_snapshots": _FEATURES,
    "models": _MODEL,
    **dict.fromkeys(("subscriptions", "payments", "usage_daily", "ticket_customers", "customer_attributes"), _ROWS),
    **dict.fromkeys(("at_risk_list", "list_limits", "customer_offers", "campaign_lists", "save_rates"), _LIST),
    **dict.fromkeys(("extractions", "watermarks", "customer_keys"), _EXTRACTION),
}


def after_checks(checks: Sequence[str], *, night: str, again: str) -> str:
    """Return what to do after checks of severity `fail` have stopped a night.

    Parameters
    ----------
    checks : sequence of str
        Their names; without any, what is true of most.
    night : str
        Command that runs the night alone.
    again : str
        Command that goes on.
    """
    templates = dict.fromkeys(_BY_CHECK.get(name, _OURS) for name in checks) or [_ANY]
    found = [template.format(night=night, again=again) for template in templates]
    return "; and ".join(found) + ("" if night == again or again in found[-1] else f"; then {again}")
