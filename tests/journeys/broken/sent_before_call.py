"""A broken bot: `sent` is saved before the call. The kill run must go red on it."""

from typing import Any

from sqlalchemy import update

import bot
from models import Parcel, Status
from storage import ledger
from storage.tables import deliveries

claim = ledger.claim


async def claim_as_sent(tx: Any, **names: Any) -> list[Parcel]:
    parcels = await claim(tx, **names)
    ids = [parcel.delivery.id for parcel in parcels]
    await tx.execute(
        update(deliveries).where(deliveries.c.id.in_(ids)).values(status=Status.SENT, shown=deliveries.c.wanted)
    )
    return parcels


if __name__ == "__main__":
    ledger.claim = claim_as_sent
    bot.cli()
