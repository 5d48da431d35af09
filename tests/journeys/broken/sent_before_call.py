"""A broken bot: `sent` is saved before the call. The kill run must go red on it."""

from typing import Any

from sqlalchemy import update

import bot
from models import Outgoing, Status
from storage import ledger
from storage.tables import deliveries

start = ledger.start


async def start_as_sent(tx: Any, *which: Any, **names: Any) -> list[Outgoing]:
    calls = await start(tx, *which, **names)
    ids = [parcel.delivery.id for call in calls for parcel in call.parcels]
    await tx.execute(
        update(deliveries).where(deliveries.c.id.in_(ids)).values(status=Status.SENT, shown=deliveries.c.wanted)
    )
    return calls


if __name__ == "__main__":
    ledger.start = start_as_sent
    bot.cli()
