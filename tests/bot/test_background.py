from __future__ import annotations

import asyncio
import gc

import pytest

from bot.background import Background
from tests.bot.log_lines import LogLines


class Work:
    """Tasks that note when they begin and when they are ended."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    async def until_cancelled(self, name: str) -> None:
        self.noted.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            self.noted.append(f"{name} ends")


async def test_they_are_ended_in_the_opposite_order_one_after_the_other() -> None:
    work = Work()
    async with Background() as background:
        for name in ("samples", "painter", "delivery"):
            background.start(name, work.until_cancelled(name))
        await asyncio.sleep(0)
    assert work.noted[:3] == ["samples begins", "painter begins", "delivery begins"]
    assert work.noted[3:] == ["delivery ends", "painter ends", "samples ends"]


async def test_one_is_gone_before_the_next_is_told_to_end() -> None:
    noted: list[str] = []

    async def slow(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            noted.append(f"{name} is ending")
            await asyncio.sleep(0)
            noted.append(f"{name} has ended")

    async with Background() as background:
        background.start("first", slow("first"))
        background.start("second", slow("second"))
        await asyncio.sleep(0)
    assert noted == ["second is ending", "second has ended", "first is ending", "first has ended"]


async def test_one_that_fails_is_logged_whole_and_costs_the_others_nothing(lines: LogLines) -> None:
    work = Work()

    async def fail() -> None:
        raise ZeroDivisionError("nobody foresaw this")

    async with Background() as background:
        background.start("good", work.until_cancelled("good"))
        background.start("bad", fail())
        line = await lines.line("background_task_failed")
        assert (line["task"], line["log_level"], line["exc_info"]) == ("bad", "critical", True)
        assert work.noted == ["good begins"]
    assert work.noted == ["good begins", "good ends"]
    assert len(lines.lines) == 1


async def test_one_that_is_through_is_no_failure(lines: LogLines) -> None:
    async def done() -> None:
        return

    async with Background() as background:
        background.start("short", done())
        await asyncio.sleep(0)
    assert lines.lines == []


async def test_one_that_never_came_to_begin_is_ended_without_a_warning(
    recwarn: pytest.WarningsRecorder, lines: LogLines
) -> None:
    work = Work()
    async with Background() as background:
        background.start("late", work.until_cancelled("late"))
    gc.collect()
    assert work.noted == []
    assert [str(warning.message) for warning in recwarn] == []
    assert lines.lines == []


async def test_a_failure_in_the_block_ends_them_and_goes_on_its_way() -> None:
    work = Work()

    async def fail() -> None:
        async with Background() as background:
            background.start("task", work.until_cancelled("task"))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert work.noted == ["task begins", "task ends"]
