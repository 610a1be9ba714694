"""Network addresses, as far as they stand for somebody."""

from __future__ import annotations

import ipaddress


def network_of(address: str | None) -> str:
    """Give what stands for one client: an IPv4 address, or the /64 that one IPv6 household holds."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
