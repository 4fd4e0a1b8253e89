"""How often a client may ask, and how often it may show a wrong token."""

from __future__ import annotations

import ipaddress
import math
import threading

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from churn.dashboard.web.failing import RefusedError
from churn.dashboard.web.proxies import Address
from churn.ledger import Clock

WRONG_TOKENS_PER_MINUTE = 10
_SITE_BITS = 64


class Limits:
    """Counts per client and minute.

    Parameters
    ----------
    requests_per_minute : int
    clock : callable
    """

    def __init__(self, requests_per_minute: int, clock: Clock) -> None:
        self._requests = RateLimitItemPerMinute(requests_per_minute, namespace="requests")
        self._wrong_tokens = RateLimitItemPerMinute(WRONG_TOKENS_PER_MINUTE, namespace="tokens")
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()  # the storage has a thread of its own, which two callers may start at once
        self._clock = clock

    def count_request(self, client: Address | None, *, is_local: bool) -> None:
        """Count a request; those of programs on this machine are not counted.

        Raises
        ------
        RefusedError
            429: there were too many.
        """
        if not is_local:
            self._count(self._requests, client, "There were too many requests from your address.")

    def count_wrong_token(self, client: Address | None) -> None:
        """Count a wrong token, wherever it comes from.

        Raises
        ------
        RefusedError
            429: there were too many.
        """
        self._count(self._wrong_tokens, client, "There were too many wrong tokens from your address.")

    def _count(self, item: RateLimitItem, client: Address | None, said: str) -> None:
        with self._lock:
            if self._limiter.hit(item, _name(client)):
                return
            opens = self._limiter.get_window_stats(item, _name(client)).reset_time
        seconds = max(1, min(60, math.ceil(opens - self._clock().timestamp())))
        raise RefusedError(429, said, f"Wait {seconds} seconds.", seconds)


def _name(client: Address | None) -> str:
    """Return what is counted as one client: of IPv6 the whole site, which has more addresses than can be counted."""
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((client, _SITE_BITS), strict=False))
    return str(client)
