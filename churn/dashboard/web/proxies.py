"""Requests that come through a reverse proxy: whose they are, and under which address the reader sees us."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CLIENT, BY_PROXY, IS_LOCAL = "churn.client", "churn.by_proxy", "churn.is_local"
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+){1,8}")


def networks(written: Iterable[str]) -> list[Network]:
    """Read networks, as `10.0.0.0/8`."""
    return [ipaddress.ip_network(one) for one in written]


def address_of(text: str) -> Address | None:
    """Read an address, without its port and zone; None where it is none. An IPv4 address in IPv6's form is IPv4."""
    bare = text.strip().removeprefix("[").partition("]")[0].partition("%")[0]
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def is_within(address: Address | None, trusted: Sequence[Network]) -> bool:
    """Whether an address belongs to one of the networks."""
    return address is not None and any(address in network for network in trusted)


def behind_proxies(application: WSGIApplication, trusted: Sequence[Network]) -> WSGIApplication:
    """Believe what trusted proxies say of a request, and nobody else.

    `X-Forwarded-For` gives the client, `X-Forwarded-Proto` whether it uses TLS, `X-Forwarded-Prefix` the path before
    ours. The environment then holds `churn.client`, and `churn.by_proxy` where a trusted proxy brought the request,
    and `churn.is_local` where a program on this machine made it, on nobody else's behalf.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        peer = address_of(environ.get("REMOTE_ADDR", ""))
        environ[CLIENT], environ[BY_PROXY] = peer, False
        environ[IS_LOCAL] = peer is not None and peer.is_loopback and "HTTP_X_FORWARDED_FOR" not in environ
        if is_within(peer, trusted):
            environ[BY_PROXY] = True
            environ[CLIENT] = _client(environ.get("HTTP_X_FORWARDED_FOR", ""), peer, trusted)
            if environ.get("HTTP_X_FORWARDED_PROTO", "").lower() == "https":
                environ["wsgi.url_scheme"] = "https"
            prefix = environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/")
            if _PREFIX.fullmatch(prefix) and ".." not in prefix:
                environ["SCRIPT_NAME"] = prefix
        return application(environ, start_response)

    return answer


def _client(forwarded: str, peer: Address | None, trusted: Sequence[Network]) -> Address | None:
    """Return the last address that no proxy of ours has: what stands before it may be invented."""
    client = peer
    for hop in reversed(forwarded.split(",")):
        found = address_of(hop)
        if found is None:
            break
        client = found
        if not is_within(found, trusted):
            break
    return client
