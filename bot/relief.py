"""Everything in this process that can give memory back when the host runs short of it, by name."""

from __future__ import annotations

from functools import partial

from cogs.locale import catalogue
from cogs.render.painter import Painter
from monitor.local import heap
from monitor.pressure import Level, Reliever
from storage import codec, page_cache
from storage.database import Database
from storage.samples import SampleBuffer


def relievers(db: Database, samples: SampleBuffer, painter: Painter) -> list[Reliever]:
    """Give them in the order in which they are called: what is let go of comes before what returns it to the system.

    The words and the codecs are a few MiB that take the event loop a sixth of a second to make again: they go last.
    Discord's messages are kept nowhere: none is delivered to a bot that has no intent to read them.
    """
    return [
        Reliever("samples", Level.HIGH, samples.flush_early, steady=True),
        Reliever("painter", Level.HIGH, painter.rest, steady=True),
        Reliever("database", Level.HIGH, partial(page_cache.shrink, db)),
        Reliever("words", Level.CRITICAL, catalogue.forget),
        Reliever("codecs", Level.CRITICAL, codec.forget),
        Reliever("database again", Level.CRITICAL, partial(page_cache.shrink, db)),
        Reliever("heap", Level.CRITICAL, heap.give_back),
    ]
