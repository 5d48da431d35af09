"""The real bot, for whom this machine counts as public: what `sources add` does with an address that it may read.

It stands with the tests so that no environment and no key of the product can open what this opens.
"""

from ipaddress import ip_network

import bot
from sources import addresses

if __name__ == "__main__":
    loopback = ip_network("127.0.0.0/8")
    addresses.NOT_PUBLIC = tuple(network for network in addresses.NOT_PUBLIC if network != loopback)
    bot.cli()
