"""Which addresses a publisher may have: public ones, and what the configuration opened. Pure: asks nobody.

The lists are IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry and
iana-ipv6-special-registry), written out because `ipaddress.is_global` differs between Python's patch releases.
"""

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from errors import SourceError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 holds an IPv4 address and is no longer in use
        "3fff::/20",
    )
)
GLOBAL_UNICAST = ip_network("2000::/3")
"""Every public IPv6 address is in here; what is outside is loopback, link-local, unique local, mapped or unassigned."""
NAT64 = ip_network("64:ff9b::/96")
COMPATIBLE = ip_network("::/96")
METADATA = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254",  # nearly every cloud
        "169.254.170.2",  # Amazon's containers
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure's, although it is a public address
    )
)
"""Where clouds hand out their secrets: no configuration opens these."""


def refuse(address: Address, host: str, opened: Iterable[Network]) -> None:
    """Raise SourceError unless `address`, to which `host` leads, is public or in a network that was opened."""
    meant = _meant(address)
    led = "" if host.strip("[]") == str(address) else f" ({host} leads there)"
    if meant in METADATA:
        raise SourceError("address", f"{address} is where clouds keep their secrets{led}: it is never read")
    if not is_public(meant) and not is_in(meant, opened):
        raise SourceError(
            "address",
            f"{address} is not a public address{led}: for a source inside your own network, name it under [[sources]] "
            "in the configuration file and open its network with [fetch] allow_networks",
        )


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(_meant(address) in network for network in networks)


@functools.lru_cache(maxsize=4096)
def is_public(address: Address) -> bool:
    meant = _meant(address)
    if isinstance(meant, IPv6Address) and meant not in GLOBAL_UNICAST:
        return False
    return not any(meant in network for network in NOT_PUBLIC)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where a gateway or the kernel would make it one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
