"""`gamekeeper demo`: the whole bot in a local browser page, with a small game server, and without a token.

Everything is real but Discord, which is played in memory. All that it writes goes to a temporary folder.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.app import DATABASE, Gamekeeper, gamekeeper
from bot.demo.adapter import DemoGame
from bot.demo.unavailable import DemoUnavailable
from bot.log import configure_logging
from bot.settings import Settings, given_settings
from bot.signals import StopSignal, stop_signal
from monitor.errors import WrongState
from monitor.games.registry import ADAPTERS
from monitor.model import Actor, ActorKind
from monitor.spec import AdminEndpoint, RestartPolicy, Secret, ServerSpec
from storage.database import Database
from storage.grants import Action, Grant, PrincipalKind
from storage.servers import Servers

HOST = "127.0.0.1"
SERVER = "meadow"
PASSWORD_VARIABLE = "DEMO_RCON_PASSWORD"  # noqa: S105 - the name of a variable, not a password
GAMES = {**ADAPTERS, "demo": DemoGame}
PACE = "4"
"""Players come and go this much faster than in a real game, so that there is something to see."""

CLOSING = Actor(ActorKind.COMMAND_LINE, "demo", "demo")

WELCOME = """\
gamekeeper demo: the real bot, a real game server, no token.

  {url}

Type in the page:
  /start server:meadow                 starts the game server, and tells when players can join
  /rcon server:meadow command:crash    makes it crash: the alert comes with a chart, the restart follows
  /chart server:meadow                 draws its history
  /access grant, /access check         let the visitor in: "Viewing as", above, is who you are

Ctrl+C ends everything that was started and leaves nothing behind.
"""

log = structlog.get_logger(__name__)


def demo(*, port: int, open_browser: bool) -> int:
    """Run the demo until Ctrl+C, and give the exit code.

    Raises:
        DemoUnavailable: what it needs is not installed, or the port is taken.
    """
    if find_spec("simcord") is None:
        raise DemoUnavailable("the demo needs its extra packages: pip install -c constraints.txt -e '.[demo]'")
    # simcord tries discord.py's connection state out as it is imported, with no intents at all.
    logging.getLogger("discord.state").setLevel(logging.ERROR)
    with (
        TemporaryDirectory(prefix="gamekeeper-demo-", ignore_cleanup_errors=True) as folder,
        configure_logging("warning", Path(folder) / "logs"),
    ):
        asyncio.run(_demo(Path(folder), port, open_browser=open_browser))
    return 0


async def _demo(folder: Path, port: int, *, open_browser: bool) -> None:
    settings = given_settings(
        {
            "GAMEKEEPER_DATA_DIR": str(folder / "data"),
            "GAMEKEEPER_SAMPLE_INTERVAL_S": "1",
            "GAMEKEEPER_FLUSH_INTERVAL_S": "2",
        }
    )
    spec = _game_server(folder / "world")
    async with await Database.open(settings.data_dir / DATABASE) as db:
        await Servers(db).save([spec])
    with stop_signal() as stop:
        async with gamekeeper(settings, GAMES) as bot:
            try:
                await _show(bot, settings, port, stop, open_browser=open_browser)
            finally:
                await _end_server(bot)


def _game_server(world: Path) -> ServerSpec:
    world.mkdir()
    password, port = secrets.token_urlsafe(12), _free_port()
    argv = (sys.executable, "-m", "bot.demo.game", "--port", str(port), "--world", str(world))
    return ServerSpec(
        id=SERVER,
        name="Meadow 초원",
        game="demo",
        argv=(*argv, "--password-env", PASSWORD_VARIABLE, "--speed", PACE),
        cwd=world,
        env={PASSWORD_VARIABLE: password},
        admin=AdminEndpoint(HOST, port, Secret(password)),
        restart=RestartPolicy(backoff_s=3.0),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


async def _show(bot: Gamekeeper, settings: Settings, port: int, stop: StopSignal, *, open_browser: bool) -> None:
    from bot.demo.page import open_page  # noqa: PLC0415 - needs what the demo alone needs

    async with open_page(bot.client, port=port, timezone=settings.timezone.key) as world:
        await bot.access.grant(Grant(world.guild_id, PrincipalKind.USER, world.admin_id, Action.ADMIN))
        bot.delivery.post_to(world.channel_id)
        print(WELCOME.format(url=world.url), flush=True)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, world.url)
        await stop.wait()


async def _end_server(bot: Gamekeeper) -> None:
    """End the demo's server, whatever it is doing."""
    try:
        await bot.fleet.stop(SERVER, CLOSING, force=True)
    except WrongState:
        log.debug("nothing_to_end")
