"""`gamekeeper run`: the bot itself."""

from __future__ import annotations

import asyncio

import structlog

from bot.app import gamekeeper
from bot.background import Background
from bot.connection import stay_connected
from bot.lock import only_one
from bot.log import configure_logging
from bot.settings import Settings, warnings_for
from bot.signals import stop_signal
from monitor.redaction import Redaction

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Run the bot until it is told to end.

    Raises:
        SettingsError: there is no token.
        AlreadyRunning: another bot works in the same data folder.
        StorageError: the database cannot be opened.
    """
    token = settings.require_token()
    with (
        only_one(settings.data_dir),
        configure_logging(settings.log_level, settings.data_dir / "logs", settings.secrets()) as written,
    ):
        for warning in warnings_for(settings):
            log.warning("settings_warning", warning=warning)
        asyncio.run(_serve(settings, token, written.redaction))


async def _serve(settings: Settings, token: str, redaction: Redaction) -> None:
    with stop_signal() as stop:
        async with gamekeeper(settings, redaction=redaction) as bot, Background() as background:
            work = stay_connected(bot.client, token, settings.api_base, bot.clock)
            background.start("discord", work)
            log.info("running", servers=len(bot.fleet.servers()), data_dir=str(settings.data_dir))
            await stop.wait()
            log.info("stopping", next_step="games keep running")
    log.info("stopped")
