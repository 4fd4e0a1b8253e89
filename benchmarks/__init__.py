"""What a night costs and how good the models are: `make bench` and `make evaluate`."""

from __future__ import annotations
