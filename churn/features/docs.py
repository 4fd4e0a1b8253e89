"""`docs/features.md`, written from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from churn.features.catalogue import FAMILIES, Feature, describe

_INTRODUCTION = """\
# Features

Written by `churn.features.docs`; a test compares. Each family is one file, `sql/features/<family>.sql`.

- "The last N days" are `[as_of - N, as_of)`: a row dated on `as_of` is in the future.
- A *trend* compares a window with the one of the same length before it: (current - previous) / (current + previous),
  from -1 (stopped) to 1 (just begun); missing when both are 0. A customer who was not there yet in the window before
  counts as 0 in it; `tenure_days` tells them apart.
- *Missing* is what the column says, or that nothing of the kind ever happened. Counts and amounts of a customer
  without any row are 0.
- A family is there when its source entity is mapped."""


@dataclass(frozen=True)
class _Example:
    """Stands for any entry of the usage catalogue."""

    name: str = "NAME"
    event_type: str = "…"
    measure: Literal["count", "sum", "active_days"] = "count"


def render_markdown() -> str:
    """Write the whole document."""
    features = describe(FAMILIES, (_Example(),), (("NAME", "number"),))
    parts = [_INTRODUCTION]
    for family, members in groupby(features, key=lambda feature: feature.family):
        parts.append("\n".join(_section(family, tuple(members))))
    return "\n\n".join(parts) + "\n"


def _section(family: str, features: tuple[Feature, ...]) -> Iterator[str]:
    yield f"## {family}"
    yield ""
    if family == "usage_catalogue":
        yield (
            "Four features for each `[[features.usage]]` entry; `measure` says whether events (`count`), their "
            "quantity (`sum`) or days with one (`active_days`) are measured."
        )
        yield ""
    if family == "attributes":
        yield "One feature for each mapped customer attribute, a number or a category."
        yield ""
    yield "| feature | unit | meaning | needs | if nothing is known |"
    yield "|---|---|---|---|---|"
    for feature in features:
        empty = "0" if feature.empty_is_zero else "missing"
        unit = feature.unit or "category"
        yield f"| `{feature.name}` | {unit} | {feature.description} | {feature.entity} | {empty} |"
