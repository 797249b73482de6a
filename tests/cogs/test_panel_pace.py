"""When a panel is edited, and what becomes of it when that fails."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from cogs.panel_pace import EDIT_EVERY_S, FIGURES_EVERY_S, OLD_S, Fate, due_in_s, fate
from cogs.render.panel import Face

SHOWN = Face("🟢 **A** · running\nCPU 10%", ("🟢 **A** · running",))
FIGURES = Face("🟢 **A** · running\nCPU 15%", SHOWN.news)
STOPPED = Face("⏹️ **A** · stopped", ("⏹️ **A** · stopped",))


@pytest.mark.parametrize(
    ("shown", "now", "since_edit_s", "due_s"),
    [
        pytest.param(None, SHOWN, float("inf"), 0.0, id="nobody knows what is shown"),
        pytest.param(SHOWN, SHOWN, 10_000.0, None, id="nothing has changed"),
        pytest.param(SHOWN, STOPPED, EDIT_EVERY_S, 0.0, id="news, and it is time"),
        pytest.param(SHOWN, STOPPED, 3.0, 7.0, id="news, soon after another edit"),
        pytest.param(SHOWN, FIGURES, EDIT_EVERY_S, 50.0, id="figures alone wait"),
        pytest.param(SHOWN, FIGURES, FIGURES_EVERY_S, 0.0, id="figures alone, and it is time"),
    ],
)
def test_when_it_is_edited(shown: Face | None, now: Face, since_edit_s: float, due_s: float | None) -> None:
    assert due_in_s(shown, now, since_edit_s) == due_s


class Response:
    """As much of an HTTP response as the library's errors look at."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = ""
        self.headers: dict[str, str] = {}


def refused(status: int, code: int) -> discord.HTTPException:
    response: Any = Response(status)
    return discord.HTTPException(response, {"code": code, "message": ""})


@pytest.mark.parametrize(
    ("error", "age_s", "becomes"),
    [
        pytest.param(refused(429, 30046), OLD_S, Fate.ANEW, id="too many edits of an old message"),
        pytest.param(refused(400, 30046), OLD_S, Fate.ANEW, id="too many edits, by another status"),
        pytest.param(refused(403, 50005), 0, Fate.ANEW, id="the message of another bot"),
        pytest.param(refused(404, 10008), 0, Fate.GONE, id="the message was deleted"),
        pytest.param(refused(404, 10003), 0, Fate.GONE, id="the channel was deleted"),
        pytest.param(refused(403, 50001), 0, Fate.BARRED, id="no access"),
        pytest.param(refused(403, 50013), 0, Fate.BARRED, id="no permission"),
        pytest.param(refused(404, 0), 0, Fate.BARRED, id="not found, for no reason given"),
        pytest.param(discord.RateLimited(900.0), OLD_S, Fate.ANEW, id="limited, and old"),
        pytest.param(discord.RateLimited(900.0), OLD_S - 1, Fate.AGAIN, id="limited, and young"),
        pytest.param(refused(500, 0), OLD_S, Fate.AGAIN, id="Discord is in trouble"),
        pytest.param(refused(401, 0), OLD_S, Fate.AGAIN, id="the token is refused"),
        pytest.param(aiohttp.ClientConnectionError(), OLD_S, Fate.AGAIN, id="no connection"),
        pytest.param(TimeoutError(), OLD_S, Fate.AGAIN, id="silence"),
    ],
)
def test_what_becomes_of_it(error: Exception, age_s: float, becomes: Fate) -> None:
    assert fate(error, age_s) is becomes
