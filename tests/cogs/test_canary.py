"""Secrets that sing: put everywhere, everything is driven, and then they are looked for in all that came out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
import pytest_asyncio
import simcord

from bot.log import FILE_NAME, configure_logging
from monitor.errors import GameFault, GameUnavailable
from monitor.model import Sample
from monitor.spec import AdminEndpoint, Secret
from tests.cogs.matrix import COMMANDS, Command
from tests.cogs.registry import completed, leaf
from tests.cogs.talker import Talker
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

# With what Markdown, JSON and addresses would write in other ways.
PASSWORD, TOKEN, OPTION, ASSIGNED, WEBHOOK = (f"canary{n}_*x`'é\"/{n}" for n in range(1, 6))
CANARY = re.compile(r"canary[1-5]")
ADDRESS = "https://discord.com/api/webhooks/123456789012345678/canary1-canary1-canary1-canary1-canary1"
LEAKY = f"{PASSWORD} {TOKEN} {OPTION} {ASSIGNED} {ADDRESS}"

ALPHA = spec_of(
    "alpha",
    name="Alpha World",
    admin=AdminEndpoint("127.0.0.1", 25575, Secret(PASSWORD)),
    env={"RCON_PASSWORD": PASSWORD, "API_TOKEN": TOKEN},
    argv=("run", "-password", OPTION, f"map?ServerPassword={ASSIGNED}?MaxPlayers=8"),
)
BETA = spec_of("beta", name=f"Beta {TOKEN}")
"""Somebody has called it by a secret; `/server edit` of it would have to show that, so all else is asked of it."""

SURFACES = (
    "answers", "edits of answers", "messages in channels", "alerts", "completions", "files", "charts", "exports",
    "errors", "log on the console", "log file", "audit",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def surfaces(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """All that was put out, by where."""
    folder = tmp_path_factory.mktemp("canary")
    secrets = [PASSWORD, TOKEN, OPTION, ASSIGNED]
    with pytest.MonkeyPatch.context() as patch:
        console = _Console()
        patch.setattr("sys.stderr", console)
        with configure_logging("debug", folder / "logs", secrets):
            async with world(folder, [ALPHA, BETA]) as home:
                found = await driven(home)
        found["log on the console"] = "".join(console.written)
    found["log file"] = (folder / "logs" / FILE_NAME).read_text(encoding="utf-8")
    return found


class _Console:
    """Takes what would be shown at a terminal."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)

    def flush(self) -> None:
        """Have nothing left to do."""

    def isatty(self) -> bool:
        return False


async def driven(home: World) -> dict[str, str]:
    """Give every command, type into every option, have things fail, crash and answer with secrets in them."""
    completions = [await every_command(home, name, command) for name, command in COMMANDS.items()]
    files = await talkative_game(home)
    errors = await failures(home)
    await crash(home, "alpha")
    await crash(home, "beta")
    await home.slash(home.people.owner, "chart", server="alpha", compare="beta")
    exported = await export(home)
    requests = home.env.http_requests
    return {
        "answers": _texts(requests, "POST", "/callback"),
        "edits of answers": _texts(requests, "PATCH", "/messages/@original"),
        "messages in channels": _texts(requests, "POST", "/channels/"),
        "alerts": _texts(requests, "POST", f"/channels/{home.alerts.id}"),
        "completions": "\n".join(completions),
        "files": files,
        "charts": "\n".join(repr(asdict(request)) for request in home.painter.requests),
        "exports": exported,
        "errors": errors,
        "audit": "\n".join(repr(record) for record in await home.audit.page(limit=500)),
    }


def _texts(requests: Any, method: str, path: str) -> str:
    return "\n".join(
        json.dumps(r.json, ensure_ascii=False) for r in requests if r.method == method and path in r.path
    )


async def every_command(home: World, name: str, command: Command) -> str:
    """Give a command as the owner would, and with secrets in all that can be typed; give what its options offer."""
    await home.clock.advance(60.0)
    await home.forge(home.people.owner, home.channel, name, command.options, locale="en-US")
    typed = {key: LEAKY if isinstance(value, str) else value for key, value in command.options.items()}
    typed |= {key: command.options[key] for key in ("who", "channel", "file") if key in command.options}
    await home.forge(home.people.owner, home.channel, name, typed, locale="en-US")
    offered = []
    for option in completed(leaf(home, name)):
        result = await home.forge(home.people.owner, home.channel, name, {option: ""}, focused=option)
        offered.append(json.dumps(result.autocomplete_choices, ensure_ascii=False))
    return "\n".join(offered)


async def talkative_game(home: World) -> str:
    """Have the game answer with secrets, shortly and at length; give the file that came of it."""
    await home.slash(home.people.owner, "start", server="alpha")
    Talker(home, LEAKY)
    await home.slash(home.people.owner, "rcon", server="alpha", command=f"login {PASSWORD}")
    Talker(home, f"{LEAKY}\n" * 200)
    result = await home.slash(home.people.owner, "rcon", server="alpha", command="dump")
    assert result.response is not None
    return await _read(home, result.response)


async def _read(home: World, response: simcord.ResponseMessage) -> str:
    message = await home.client.get_partial_messageable(home.channel.id).fetch_message(response.id)
    return "\n".join([(await attachment.read()).decode() for attachment in message.attachments])


async def failures(home: World) -> str:
    """Have a command fail as foreseen and as nobody foresaw, with secrets in what is raised."""
    told = []
    for failure in (GameUnavailable(GameFault.PROTOCOL, LEAKY), ZeroDivisionError(LEAKY)):
        _failing(home, failure)
        result = await home.slash(home.people.owner, "rcon", server="alpha", command="list")
        assert result.response is not None
        told.append(result.response.content)
    return "\n".join(told)


def _failing(home: World, failure: Exception) -> None:
    async def command(_text: str) -> str:
        raise failure

    home.house.game("alpha").command = command  # type: ignore[method-assign, assignment]


async def crash(home: World, server_id: str) -> None:
    """Have a server die with secrets in its last words, and wait for the alert and its chart."""
    await home.clock.advance(60.0)
    await home.slash(home.people.owner, "start", server=server_id)
    home.house.log(server_id).write(f"config: {LEAKY}")
    drawn, posted = len(home.painter.requests), len(alerts(home))
    next(p for p in home.house.launcher.processes if p.alive and p.request.server_id == server_id).exit(signal=11)
    await until(lambda: len(alerts(home)) > posted)
    await until(lambda: len(home.painter.requests) > drawn)


def alerts(home: World) -> list[dict[str, Any]]:
    return home.sent("POST", f"/channels/{home.alerts.id}")


async def export(home: World) -> str:
    now_s = home.clock.now_ms() // 1000
    home.samples.add([Sample("alpha", now_s - n, cpu_pct=1.0) for n in range(0, 100, 5)])
    result = await home.slash(home.people.owner, "export", server="alpha", range="1h", format="jsonl")
    assert result.response is not None
    assert result.response.attachments
    return result.response.content + str(result.response.attachments)


@pytest.mark.parametrize("surface", SURFACES)
async def test_fault_64_no_canary_sings_in_the(surfaces: Mapping[str, str], surface: str) -> None:
    text = surfaces[surface]
    assert len(text) > 10, "nothing was put out there"
    hit = CANARY.search(re.sub("[\\\\\u200b]", "", text))
    assert hit is None, text[max(0, hit.start() - 300) : hit.end() + 200]


async def test_fault_64_every_surface_is_searched(surfaces: Mapping[str, str]) -> None:
    assert set(surfaces) == set(SURFACES)
    assert "***" in surfaces["answers"] + surfaces["edits of answers"]
    assert "***" in surfaces["alerts"]
    assert "***" in surfaces["charts"]
    assert "***" in surfaces["completions"]
    assert "***" in surfaces["log file"]
