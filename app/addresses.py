"""Network addresses, as far as they stand for somebody."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

MAX_LENGTH = 45  # an IPv6 address with an IPv4 address at its end, written out


def network_of(address: str | None) -> str:
    """Give what stands for one client: an IPv4 address, or the /64 that one IPv6 household holds."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def whole_address(address: str | None) -> str:
    """Give an address for the record, in at most 45 characters: never a part of one, which would be somebody else's."""
    text = address or ""
    with suppress(ValueError):  # a proxy may call its clients what it likes
        text = str(ipaddress.ip_address(text)).partition("%")[0]  # without the name of this machine's interface
    return text if len(text) <= MAX_LENGTH else ""
