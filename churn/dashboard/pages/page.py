"""What a page is: its address, what a reader may ask of it, what it reads and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from churn.dashboard.blocks import Answer, Ask
from churn.dashboard.charts import Chart
from churn.dashboard.reading import Seen


class Query(BaseModel):
    """What may stand after `?`; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=200)


@dataclass(frozen=True)
class Page:
    """A page, and the resource of the API of the same name.

    Attributes
    ----------
    name : str
        `/name`, `/api/v1/name` and `templates/name.html`, with underscores in the file.
    title : str
        Short, as in the menu.
    question : str
        The question that it answers, in the reader's words: what stands under its title.
    asks : callable
        From the query to the blocks that are read.
    query : type of Query
    charts : callable
        From what was read to the charts, by name.
    facts : callable
        From what was read to whatever else the template shows; small.
    missing : callable
        From what was read to what is said, with 404, where there is no such thing; None where there is.
    in_menu : bool
    """

    name: str
    title: str
    question: str
    asks: Callable[[Any], Sequence[Ask]]
    query: type[Query] = Query
    charts: Callable[[Mapping[str, Answer]], Sequence[Chart]] = lambda answers: ()
    facts: Callable[[Mapping[str, Answer], Any], Mapping[str, Any]] = lambda answers, query: {}
    missing: Callable[[Mapping[str, Answer], Any], str | None] = lambda answers, query: None
    in_menu: bool = True

    @property
    def template(self) -> str:
        """File of the template."""
        return f"{self.name.replace('-', '_')}.html"

    def shown(self, seen: Seen, query: Query) -> dict[str, Any]:
        """Return what the template is given."""
        return {
            "page": self,
            "query": query,
            "state": seen.state,
            "blocks": seen.answers,
            "charts": {chart.name: chart for chart in self.charts(seen.answers)},
            **self.facts(seen.answers, query),
        }
