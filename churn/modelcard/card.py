"""The model card as Markdown: first what a marketer asks, then what a statistician asks."""

from __future__ import annotations

from collections.abc import Sequence

from churn.modelcard.facts import REALISED, ModelFacts
from churn.modelcard.figures import (
    calibration_table,
    figure_table,
    segment_table,
    tradeoff_table,
)
from churn.modelcard.texts import FAIRNESS, LIMITS, REASONS, USE

_METHODS = {
    "lightgbm": "gradient-boosted trees (LightGBM)",
    "logistic": "a logistic regression, because the history is too short for trees",
}
_SEASONS = {
    "features": "a feature of the model, since every month of the year occurred in two years or more",
    "level": "a correction of the level by the same months of the year before, tested on later months",
    "none": "left out; see what training noted",
}


def render_card(facts: ModelFacts) -> str:
    """Return the model card of a churn model as Markdown, ending with a line break."""
    sections = [
        (f"Model card: {facts.model.model_version}", [_identity(facts)]),
        ("In short", [_in_short(facts)]),
        ("What it is for", [USE]),
        ("Data", _data(facts)),
        ("Method", _method(facts)),
        ("Figures", _figures(facts)),
        ("Threshold and list", _threshold(facts)),
        ("Since then", _realised(facts)),
        ("What training noted", [_bullets(facts.detail("notes", []))] if facts.detail("notes", []) else []),
        ("Limits", [_bullets(LIMITS)]),
        ("Fairness", [_fairness(facts)]),
        ("How to read a reason", [REASONS]),
        ("Who decided", [_events(facts)]),
        ("To get the same again", [_versions(facts)]),
    ]
    parts = [
        "\n\n".join([f"{'#' if place == 0 else '##'} {title}", *body])
        for place, (title, body) in enumerate(sections)
        if body
    ]
    return "\n\n".join(parts) + "\n"


# --- for everyone -------------------------------------------------------------------------------------------------


def _identity(facts: ModelFacts) -> str:
    churn = facts.detail("churn", {})
    days = churn.get("horizon_days", "some")
    if churn.get("definition") == "inactivity":
        what = f"will buy nothing within {days} days, of those who bought in the last {churn['inactivity_days']} days"
    else:
        what = f"will end their last paid subscription within {days} days and not come back"
    status = {"champion": "in use", "retired": "was in use", "challenger": "stored, not in use"}[facts.model.status]
    return (
        f"Gives every active customer the probability that they {what}. Trained as of {facts.model.trained_as_of}; "
        f"{status}. {_sentence(facts.model.reason)}\n\n<!-- Written by `churn models show --card`. -->"
    )


def _in_short(facts: ModelFacts) -> str:
    performance = facts.performance.get("out_of_time")
    if performance is None:
        return "It was not tested out of time."
    base_rate = performance["base_rate"]
    lines = [
        f"Tested on {performance['customer_months']:,} customer-months from {performance['from_as_of_date']} to "
        f"{performance['to_as_of_date']} that it had not seen; {base_rate:.1%} of them left."
    ]
    precision, recall = facts.value("precision_at_list"), facts.value("recall_at_list")
    if precision is not None and recall is not None:
        listed = ", which puts first those with the most money at risk" if facts.lists_by_value() else ""
        lines.append(
            f"Of 100 customers on its list{listed}, {100 * precision:.0f} left; of 100 drawn at random, "
            f"{100 * base_rate:.0f}. With {performance['list_size']:,.0f} a month it held {recall:.0%} of all who left."
        )
    auc, silence = facts.value("auc_roc"), facts.value("auc_roc", "recency")
    if auc is not None and silence is not None:
        lines.append(
            f"Of a customer who leaves and one who stays it names the right one {100 * auc:.0f} times in 100; "
            f"going by days of silence alone, {100 * silence:.0f}."
        )
    ratio = facts.value("observed_expected")
    if ratio is not None:
        lines.append(f"Where it expected 100 to leave, {100 * ratio:.0f} did.")
    return _bullets(lines)


# --- data and method ----------------------------------------------------------------------------------------------


def _data(facts: ModelFacts) -> list[str]:
    data, dates = facts.detail("data", {}), facts.detail("snapshot_dates", [])
    lines = []
    if dates:
        origins = ", ".join(f"{count} {origin}" for origin, count in sorted(facts.detail("snapshots", {}).items()))
        lines.append(f"{len(dates)} month-end snapshots, {dates[0]['as_of']} to {dates[-1]['as_of']}: {origins}.")
    if data:
        lines.append(f"{data['customer_months']:,} customer-months, {data['churners']:,} of them churned.")
        if data["share_of_customers"] < 1:
            lines.append(f"A random {data['share_of_customers']:.1%} of the customers.")
        if data["treated_left_out"]:
            lines.append(
                f"{data['treated_left_out']:,} customer-months left out because a campaign meant to change their "
                "outcome; those held out stand for them."
            )
    lines.append(f"All labels were known by {facts.model.labels_end_date}; nights before that are in-sample.")
    names = ", ".join(f"`{name}`" for name in facts.detail("features", []))
    return [
        "*Captured* snapshots are kept as computed on the night; *reconstructed* ones were computed later from what "
        "staging knows, and leave out what has no history.",
        _bullets(lines),
        f"Features (explained in docs/features.md): {names}.",
    ]


def _method(facts: ModelFacts) -> list[str]:
    method = facts.detail("method", {})
    if not method:
        return []
    kind = _METHODS[method["kind"]]
    trees = f", {method['trees']} trees" if method["trees"] else ""
    lines = [
        f"Model: {kind}{trees}; missing values and categories as they are.",
        f"Calibration: {method['calibrator']}, fitted on walk-forward predictions.",
        f"Season: {_SEASONS[method['season']]}.",
        "Test: walk-forward, always later than everything it is compared with, by a gap as long as a label takes to "
        "be known; never a random split, no resampling, no class weights. The model in use was then refitted on all "
        "snapshots with the same settings.",
        "Baselines on the same rows: the base rate, days of silence, a logistic regression on the same features.",
    ]
    parameters = ", ".join(f"`{name}` {value}" for name, value in sorted(facts.detail("parameters", {}).items()))
    return [_bullets(lines), f"Parameters: {parameters}."]


# --- figures ------------------------------------------------------------------------------------------------------


def _figures(facts: ModelFacts) -> list[str]:
    parts = [
        "Out of time; in brackets the 95 % interval, by a bootstrap over customers: many months of one count once.",
        _table(*figure_table(facts)),
    ]
    perfect = facts.performance.get("out_of_time", {}).get("ece_perfect_p95")
    if perfect is not None:
        parts.append(
            "In 19 of 20 samples perfectly calibrated probabilities of the same rows would show an ECE of "
            f"{perfect:.3f} or less; months of one customer count as dependent as they are."
        )
    if facts.segments():
        parts += [
            "By segment, at the same threshold for all; a dash where fewer than ten customers left or stayed:",
            _table(*segment_table(facts)),
        ]
    if facts.calibration:
        parts += ["Does a probability mean what it says?", _table(*calibration_table(facts))]
    return parts


def _threshold(facts: ModelFacts) -> list[str]:
    threshold, terms = facts.detail("threshold", None), facts.detail("terms", {})
    if threshold is None:
        return []
    by_value = facts.lists_by_value()
    how = "chosen by expected value and not at 0.5" if by_value else "where the list ends, on average over the months"
    text = f"The threshold is {threshold:.3f}, {how}"
    if terms and by_value:
        text += (
            f": a contact costs {terms['contact_cost']:g} {terms['currency']}, keeps {terms['save_rate']:.0%} of those "
            f"about to leave, and a customer so kept is worth {terms['saved_value_share']:.0%} of one who stays anyway "
            "(`[retention]` in churn.toml; guesses until campaigns have measured them)"
        )
    order = (
        "A list is ordered as it is published, by value at risk: probability times what is at stake with the customer, "
        "so somebody less likely to leave may stand above somebody with less to lose"
        if by_value
        else "What is at stake with a customer was not known, so lists are ordered by probability"
    )
    return [
        f"{text}. A threshold goes by probability alone.",
        f"{order}. It is judged as if everybody could be contacted.",
        "In bold the threshold and the list in use.",
        _table(*tradeoff_table(facts)),
    ]


def _realised(facts: ModelFacts) -> list[str]:
    performance = facts.performance.get(REALISED)
    if performance is None:
        return ["No published night of this model has passed its horizon yet."]
    return [
        f"Published nights from {performance['from_as_of_date']} to {performance['to_as_of_date']} whose horizon has "
        f"passed, one a month: {performance['customer_months']:,} customer-months, {performance['churners']:,} "
        "churned. Customers whom a campaign was to contact are left out.",
        _table(*figure_table(facts, REALISED)),
    ]


# --- the rest -----------------------------------------------------------------------------------------------------


def _fairness(facts: ModelFacts) -> str:
    categories = [name for name in facts.detail("features", []) if name.startswith("attribute_")]
    named = f"Mapped attributes that it uses: {', '.join(f'`{name}`' for name in categories)}. " if categories else ""
    return named + FAIRNESS


def _events(facts: ModelFacts) -> str:
    rows = [[f"{event.at:%Y-%m-%d %H:%M} UTC", event.event, event.actor, event.reason] for event in facts.events]
    return _table(["when", "what", "who", "why"], rows) if rows else "Nothing was recorded."


def _versions(facts: ModelFacts) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in sorted(facts.detail("versions", {}).items()))
    made = f" Made with {versions}." if versions else ""
    return (
        f"The same data, code and libraries give the same bytes: SHA-256 `{facts.model.sha256}`, checked whenever the "
        f"model is loaded.{made}"
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    shown = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (columns, *rows)]
    return "\n".join([shown[0], "|" + "---|" * len(columns), *shown[1:]])
