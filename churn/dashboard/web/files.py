"""The files that pages load: ours and Plotly's, each at an address that changes when it does."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Blueprint, Response, request

from churn.dashboard.rendering import STATIC
from churn.dashboard.web.failing import RefusedError
from churn.errors import ConfigError

PLOTLY = "plotly.min.js"
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
_FEWEST_BYTES_TO_PACK = 1_000


@dataclass(frozen=True)
class File:
    """A file, whole in memory.

    Attributes
    ----------
    name : str
    body : bytes
    """

    name: str
    body: bytes

    @cached_property
    def version(self) -> str:
        """Differs where the content does."""
        return hashlib.sha256(self.body).hexdigest()[:12]

    @cached_property
    def packed(self) -> bytes:
        """The content as gzip."""
        return gzip.compress(self.body, compresslevel=6, mtime=0)

    @property
    def content_type(self) -> str:
        """Type by the name's ending."""
        return _TYPES[Path(self.name).suffix]


class Files:
    """All files that pages may load."""

    def __init__(self) -> None:
        paths = [path for path in sorted(STATIC.iterdir()) if path.suffix in _TYPES]
        self._files = {path.name: File(path.name, path.read_bytes()) for path in (*paths, plotly_file())}

    def url(self, name: str) -> str:
        """Return the address of a file below ours, with its version in it."""
        return f"/static/{self._files[name].version}/{name}"

    def blueprint(self) -> Blueprint:
        """Return the address of the files with what answers it."""
        made = Blueprint("files", __name__)
        made.add_url_rule("/static/<version>/<name>", "file", self._answer)
        return made

    def _answer(self, version: str, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise RefusedError(404, "There is no such file.")
        packs = len(file.body) >= _FEWEST_BYTES_TO_PACK and request.accept_encodings["gzip"] > 0
        response = Response(file.packed if packs else file.body, content_type=file.content_type)
        if packs:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOREVER if version == file.version else "no-cache"
        response.set_etag(f"{file.version}{'-gzip' if packs else ''}")
        response.make_conditional(request)
        return response


def plotly_file() -> Path:
    """Return the script of the installed Plotly: nothing is loaded from elsewhere.

    Raises
    ------
    ConfigError
        It is not there.
    """
    found = importlib.util.find_spec("plotly")
    for folder in found.submodule_search_locations or () if found is not None else ():
        path = Path(folder) / "package_data" / PLOTLY
        if path.is_file():
            return path
    raise ConfigError("The script of Plotly is missing from this installation.", "Install churn[dashboard] again.")
