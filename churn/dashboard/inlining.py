"""All that a page needs within the page itself: it opens without a network, and may not use one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from markupsafe import Markup

from churn.dashboard.rendering import STATIC

PLOTLY_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
)
"""Hashes of the style elements that Plotly makes as it starts: one empty, one for maps; a test looks in a browser."""


@dataclass(frozen=True)
class Inlined:
    """What stands within a page.

    Attributes
    ----------
    styles, scripts : tuple of str
        In their order.
    """

    styles: tuple[str, ...]
    scripts: tuple[str, ...]

    @property
    def marked_styles(self) -> list[Markup]:
        """The styles, as a template writes them."""
        return [Markup(style) for style in self.styles]  # noqa: S704 # nosec B704 # our own file

    @property
    def marked_scripts(self) -> list[Markup]:
        """The scripts, as a template writes them."""
        return [Markup(script) for script in self.scripts]  # noqa: S704 # nosec B704 # our own file, and Plotly's

    @cached_property
    def policy(self) -> str:
        """The policy by which a browser runs these scripts alone, and asks no network for anything."""
        scripts = " ".join(_hash(script) for script in self.scripts)
        styles = " ".join((*(_hash(style) for style in self.styles), *PLOTLY_STYLES))
        return (
            f"default-src 'none'; script-src {scripts}; style-src {styles}; style-src-attr 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )


def inlined(*, with_charts: bool = True) -> Inlined:
    """Return the styles and scripts of a page that stands alone, Plotly among them where there is a chart."""
    scripts = [_static("churn.js"), _static("alone.js")]
    if with_charts:
        scripts.insert(0, files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8"))
    return Inlined((_static("churn.css"), _static("alone.css")), tuple(_within(scripts)))


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _within(scripts: Sequence[str]) -> Sequence[str]:
    """Return scripts so that nothing in them ends the element they stand in, nor begins a comment there."""
    return [script.replace("</script", "<\\/script").replace("<!--", "<\\!--") for script in scripts]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
