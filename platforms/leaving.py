"""When an answer leaves: in its slot, which is noted anew where the loop was late."""

import asyncio
from datetime import UTC, datetime

from delivery import Departure


async def leaves(departure: Departure) -> None:
    """Wait until then."""
    await asyncio.sleep((departure.at - datetime.now(UTC)).total_seconds())
    departure.at = max(departure.at, datetime.now(UTC))
