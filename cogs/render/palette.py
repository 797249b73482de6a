"""Colour and icon of everything that has one.

The colours are those of Okabe and Ito (2008), which people with any common colour blindness can tell apart; no two
states share a shape either, so nothing rests on colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.events import (
    DatabaseRestored,
    HostRebooted,
    RestartsExhausted,
    ServerCrashed,
    ServerHung,
    ServerRecovered,
    StartFailed,
    StorageDegraded,
    StorageRecovered,
)
from monitor.limit_events import LimitCleared, LimitCrossed, LimitForeseen
from monitor.model import State, Verdict

GREY = 0x8A8F98
SKY = 0x56B4E9
GREEN = 0x009E73
YELLOW = 0xF0E442
ORANGE = 0xE69F00
VERMILION = 0xD55E00
PURPLE = 0xCC79A7
BLUE = 0x0072B2


@dataclass(frozen=True, slots=True)
class Look:
    """How one thing looks."""

    colour: int
    """RGB, as Discord takes it."""
    icon: str


STATES: dict[State, Look] = {
    State.STOPPED: Look(GREY, "⏹️"),
    State.STARTING: Look(SKY, "🔼"),
    State.RUNNING: Look(GREEN, "🟢"),
    State.STOPPING: Look(SKY, "🔽"),
    State.BACKOFF: Look(ORANGE, "⏳"),
    State.FAILED: Look(VERMILION, "❌"),
    State.UNRESPONSIVE: Look(YELLOW, "⚠️"),
}

VERDICTS: dict[Verdict, Look] = {
    Verdict.STOPPED: Look(GREY, "⏹️"),
    Verdict.STOPPED_IN_GAME: Look(GREY, "⏹️"),
    Verdict.UNEXPECTED_EXIT: Look(ORANGE, "❗"),
    Verdict.FAILED_TO_START: Look(PURPLE, "🚫"),
    Verdict.CRASHED: Look(VERMILION, "💥"),
    Verdict.CONSOLE_CLOSED: Look(ORANGE, "❎"),
    Verdict.OUT_OF_MEMORY: Look(VERMILION, "🧠"),
    Verdict.HOST_REBOOTED: Look(BLUE, "🔌"),
    Verdict.ENDED_UNSEEN: Look(ORANGE, "❓"),
    Verdict.HUNG: Look(YELLOW, "🧊"),
}

EVENTS: dict[str, Look] = {
    ServerCrashed.kind: VERDICTS[Verdict.CRASHED],
    ServerHung.kind: VERDICTS[Verdict.HUNG],
    ServerRecovered.kind: Look(GREEN, "✅"),
    StartFailed.kind: VERDICTS[Verdict.FAILED_TO_START],
    RestartsExhausted.kind: Look(VERMILION, "🛑"),
    HostRebooted.kind: VERDICTS[Verdict.HOST_REBOOTED],
    DatabaseRestored.kind: Look(PURPLE, "🗄️"),
    StorageDegraded.kind: Look(ORANGE, "💾"),
    StorageRecovered.kind: Look(GREEN, "🆗"),
    LimitCrossed.kind: Look(ORANGE, "🌡️"),
    LimitForeseen.kind: Look(YELLOW, "📈"),
    LimitCleared.kind: Look(GREEN, "☑️"),
}
"""By the kind of an alerting event; a crash takes its verdict's look instead."""

PLANNED = Look(SKY, "🗓️")
"""A stop or restart that is to come."""

CALLED_OFF = Look(GREY, "↩️")

OVERVIEW = Look(SKY, "📋")
"""For an answer that is about no one server."""

LOG = Look(GREY, "📜")
