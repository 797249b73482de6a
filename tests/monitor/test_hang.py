"""When a server that runs counts as hung, as tables and over time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from monitor.hang import ASKING_S, Answer, HangWatch, evidence, read
from monitor.model import Evidence, EvidenceKind
from monitor.spec import HangPolicy
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.machine import FakeLog

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]

ALL = {"admin": True, "query": True}
NONE = {"admin": False, "query": False}
SOME = {"admin": False, "query": True}


@pytest.mark.parametrize(
    ("signs", "answer"),
    [
        ({}, Answer.UNKNOWN),
        ({"admin": True}, Answer.ANSWERS),
        ({"admin": False}, Answer.SILENT),
        (ALL, Answer.ANSWERS),
        (SOME, Answer.DEGRADED),
        ({"admin": True, "query": False}, Answer.DEGRADED),
        (NONE, Answer.SILENT),
    ],
    ids=["no_way_to_ask", "answers", "mute", "both", "admin_mute", "query_mute", "both_mute"],
)
def test_fault_20_any_answer_is_an_answer(signs: Mapping[str, bool], answer: Answer) -> None:
    assert read(signs) is answer


def test_the_evidence_names_who_is_silent_and_for_how_long_the_log_was() -> None:
    assert evidence(3, {**SOME, "more": False}, 90.4) == (
        Evidence(EvidenceKind.PROBES_UNANSWERED, "3"),
        Evidence(EvidenceKind.NO_ANSWER, "admin"),
        Evidence(EvidenceKind.NO_ANSWER, "more"),
        Evidence(EvidenceKind.LOG_SILENT, "90"),
    )
    assert evidence(1, {"admin": False}, 0.0)[-1].kind is EvidenceKind.NO_ANSWER


@dataclass(eq=False)
class Watched:
    """A running server, asked every 10 s; three misses are a hang."""

    clock: FakeClock = field(default_factory=FakeClock)
    game: FakeGame = field(default_factory=FakeGame)
    log: FakeLog = field(default_factory=FakeLog)
    hung: list[tuple[float, tuple[Evidence, ...]]] = field(default_factory=list)
    recovered: list[tuple[float, float]] = field(default_factory=list)

    def watch(self) -> HangWatch:
        return HangWatch(
            "ark",
            HangPolicy(probes=3, interval_s=10.0),
            self.game,
            self.log,
            self.clock,
            hung=lambda why: self.hung.append((self.clock.monotonic(), why)),
            recovered=lambda after_s: self.recovered.append((self.clock.monotonic(), after_s)),
        )

    async def through(self, *rounds: Mapping[str, bool]) -> None:
        """Let it be asked once for each of these answers."""
        task = asyncio.create_task(self.watch().run())
        for signs in rounds:
            self.game.signs = dict(signs)
            await self.clock.advance(10)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize(
    ("rounds", "hung", "recovered"),
    [
        ([ALL] * 9, [], []),
        ([NONE, NONE, ALL, NONE, NONE], [], []),
        ([NONE, NONE, SOME, NONE, NONE], [], []),
        ([NONE] * 3, [30.0], []),
        ([NONE] * 9, [30.0], []),
        ([ALL, NONE, NONE, NONE, ALL], [40.0], [(50.0, 10.0)]),
        ([NONE] * 4 + [SOME, ALL], [30.0], [(50.0, 20.0)]),
        ([NONE] * 3 + [ALL] + [NONE] * 3, [30.0, 70.0], [(40.0, 10.0)]),
        ([SOME] * 9, [], []),
        ([{}] * 9, [], []),
        ([NONE, NONE, {}, {}, NONE], [50.0], []),
    ],
    ids=[
        "well",
        "too_few_misses",
        "half_an_answer_counts",
        "hung",
        "told_once",
        "recovers",
        "recovers_halfway",
        "hangs_again",
        "degraded",
        "no_way_to_ask",
        "unknown_is_no_answer",
    ],
)
async def test_fault_20_hung_after_so_many_misses_in_a_row(
    watched: Watched,
    rounds: list[Mapping[str, bool]],
    hung: list[float],
    recovered: list[tuple[float, float]],
) -> None:
    await watched.through(*rounds)
    assert [at for at, _ in watched.hung] == hung
    assert watched.recovered == recovered


async def test_fault_20_an_adapter_that_never_returns_is_as_silent_as_its_game(watched: Watched) -> None:
    watched.game.hang.add("signs")
    task = asyncio.create_task(watched.watch().run())
    await watched.clock.advance(3 * (10 + ASKING_S) - 0.001)
    assert watched.hung == []
    await watched.clock.advance(0.001)
    assert [why[0].detail for _, why in watched.hung] == ["3"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_fault_63_an_adapter_that_breaks_says_nothing_of_its_game(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> Mapping[str, bool]:
        raise LookupError

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(watched.game, "signs_of_life", broken)
        await watched.through(*[NONE] * 9)
    assert watched.hung == []
    assert [entry["event"] for entry in logs] == ["signs_of_life_broke"]


async def test_degraded_is_one_line_and_one_more_when_it_ends(watched: Watched) -> None:
    with capture_logs() as logs:
        await watched.through(ALL, SOME, SOME, SOME, ALL, ALL)
    assert [(e["event"], e["server"]) for e in logs] == [("server_degraded", "ark"), ("server_whole_again", "ark")]
    assert logs[0]["silent"] == ["admin"]


async def test_the_log_s_silence_is_counted_from_its_last_line(watched: Watched) -> None:
    task = asyncio.create_task(watched.watch().run())
    await watched.clock.advance(55)
    watched.log.write("still saving")
    watched.game.signs = {"admin": False}
    await watched.clock.advance(35)
    (_, why), *_ = watched.hung
    assert why[-1] == Evidence(EvidenceKind.LOG_SILENT, "20")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_log_that_cannot_be_looked_at_ends_no_watch(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied() -> int:
        raise PermissionError

    monkeypatch.setattr(watched.log, "mark", denied)
    await watched.through(NONE, NONE, NONE)
    assert len(watched.hung) == 1


@pytest.mark.parametrize("shift_s", [3_600.0, -3_600.0], ids=["forward", "back"])
async def test_fault_52_a_clock_that_is_set_hangs_nobody(watched: Watched, shift_s: float) -> None:
    task = asyncio.create_task(watched.watch().run())
    await watched.clock.advance(25)
    watched.clock.shift_wall(shift_s)
    await watched.clock.advance(25)
    assert watched.hung == []
    assert watched.game.asked == ["signs"] * 5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
