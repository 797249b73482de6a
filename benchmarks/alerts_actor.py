"""A bot that does nothing but deliver an outbox: `python -m benchmarks.alerts_actor FOLDER API TOKEN GUILD`.

It is there to be killed; left alone, it ends once nothing waits any more.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import structlog

from bot.alerting import AlertStores, delivery
from bot.client import GamekeeperClient
from bot.connection import stay_connected
from cogs.locale.catalogue import catalogue
from cogs.pictures import Pictures
from cogs.render.painter import Painter
from monitor.bus import Bus
from monitor.local.clock import SystemClock
from monitor.redaction import Redaction
from storage.database import Database
from storage.journal import Journal
from storage.samples import SampleBuffer
from tests.fakes.house import House

LOOK_S = 0.05


async def deliver(folder: Path, base: str, token: str, guild_id: int) -> None:
    clock, bus, house = SystemClock(), Bus(), House()
    client = GamekeeperClient([guild_id])
    client._connection.guild_ready_timeout = 0.01  # noqa: SLF001 - the library waits so long for guilds to come
    async with await Database.open(folder / "gamekeeper.db") as db, house.fleet() as fleet, client:
        stores, samples = AlertStores.over(db), SampleBuffer(db, clock)
        made = delivery(
            stores,
            client,
            fleet,
            Pictures(samples, Journal(db), Painter(), "UTC", 5.0, Redaction()),
            channel_id=None,
            owner_ids=[],
            bus=bus,
            clock=clock,
            redaction=Redaction(),
            words=catalogue("en"),
        )
        tasks = [asyncio.create_task(stay_connected(client, token, base, clock)), asyncio.create_task(made.run())]
        while await stores.outbox.backlog():  # noqa: ASYNC110 - nobody tells that nothing waits
            await asyncio.sleep(LOOK_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder, base, token, guild_id = sys.argv[1:]
    asyncio.run(deliver(Path(folder), base, token, int(guild_id)))


if __name__ == "__main__":
    main()
