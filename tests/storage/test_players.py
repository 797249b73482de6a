"""Stays on the disk: one row each, however often it is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.attendance import Stay
from storage.database import Database
from storage.journal import Journal
from storage.players import Players, PlayerTime


@pytest.fixture
async def players(db: Database, two_servers: tuple[str, str]) -> Players:
    """Run 1 is ark's, run 2 is rust's, run 3 is ark's next."""
    journal = Journal(db)
    for number, server_id in enumerate((*two_servers, two_servers[0])):
        await journal.begin_run(server_id, number, f"marker {number}")
    return Players(db)


ANN = Stay("ark", 1, "ann", 1_000, 5_000)
BOB = Stay("rust", 2, "bob", 500, 9_000)
ANN_AGAIN = Stay("ark", 3, "ann", 20_000, 20_000)


async def test_who_is_on_comes_back(players: Players) -> None:
    await players.write([ANN, BOB, ANN_AGAIN], [])
    assert await players.on() == (BOB, ANN, ANN_AGAIN)
    assert await players.on("ark") == (ANN, ANN_AGAIN)
    assert await players.on("nowhere") == ()


@pytest.mark.parametrize("over", [[ANN], []], ids=["told", "forgotten"])
async def test_whoever_is_not_on_any_more_is_gone(players: Players, over: Sequence[Stay]) -> None:
    await players.write([ANN, BOB], [])
    await players.write([BOB], over)
    assert await players.on() == (BOB,)
    assert await players.times("ark", 0, 10_000) == (PlayerTime("ann", 1, 4_000),)


async def test_written_again_it_is_one_stay_and_longer(players: Players) -> None:
    for seen_ms in (1_000, 3_000, 3_000, 8_000):
        await players.write([replace(ANN, seen_ms=seen_ms)], [])
    assert await players.on() == (replace(ANN, seen_ms=8_000),)


async def test_nothing_is_written_of_a_run_that_is_not_there(players: Players) -> None:
    await players.write([replace(ANN, run_id=77), BOB], [])
    assert await players.on() == (BOB,)


@pytest.mark.parametrize("name", ["'; DROP TABLE players --", "핑 @everyone ﷽", "nul\x00", "𝔞🙂"])
async def test_a_name_is_a_name(players: Players, name: str) -> None:
    await players.write([replace(ANN, name=name)], [])
    assert [stay.name for stay in await players.on()] == [name]


async def test_half_a_surrogate_pair_costs_no_stay(players: Players) -> None:
    await players.write([replace(ANN, name="a\udc00")], [])
    assert [stay.name for stay in await players.on()] == ["a?"]


async def test_times_count_what_lies_in_the_span(players: Players) -> None:
    stays = [
        Stay("ark", 1, "early", 0, 999),
        Stay("ark", 1, "in at the start", 500, 2_000),
        Stay("ark", 1, "out at the end", 3_000, 9_000),
        Stay("ark", 1, "twice", 1_500, 2_000),
        Stay("ark", 3, "twice", 2_500, 3_500),
        Stay("ark", 3, "late", 4_000, 5_000),
        BOB,
    ]
    await players.write(stays[2:3], [*stays[:2], *stays[3:]])
    assert await players.times("ark", 1_000, 4_000) == (
        PlayerTime("twice", 2, 1_500),
        PlayerTime("in at the start", 1, 1_000),
        PlayerTime("out at the end", 1, 1_000),
    )
    assert await players.times("ark", 1_000, 4_000, limit=1) == (PlayerTime("twice", 2, 1_500),)
    assert await players.times("nowhere", 0, 10_000) == ()


async def test_a_stay_ends_where_it_began_at_the_earliest(players: Players, path: Path) -> None:
    await players.write([ANN], [])
    with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.IntegrityError):
        other.execute("UPDATE sessions SET seen_ms = since_ms - 1")
