from __future__ import annotations

from dataclasses import replace

import pytest

from cogs.locale.catalogue import catalogue
from cogs.render.outcome import climbed, outcome
from monitor.model import Evidence, EvidenceKind, ExitReport, ExitStatus, Rung, Server, State, Verdict
from tests.cogs.render.samples import ALICE, server

EN = catalogue("en")
POLITE = (Rung.SAVE, Rung.ASK)
LADDER = (Rung.WARN, *POLITE, Rung.TERMINATE, Rung.KILL)
UNSEEN = "⚠️ The world was not seen to be saved: nothing showed it in time."
UNSAVED = "⚠️ The world was not saved: the game was asked, and did not do it."
FORCED = "⚠️ It had to be forced: what was not saved by then is lost."


def stopped(*evidence: Evidence, state: State = State.STOPPED) -> Server:
    report = ExitReport(Verdict.STOPPED, ExitStatus(code=0), evidence, ALICE)
    return replace(server(state), process=None, last_exit=report)


def test_the_whole_ladder() -> None:
    assert climbed(server(State.STOPPING), LADDER, EN).splitlines() == [
        "Stopping **Survival**",
        "📢 Warning the players",
        "💾 Saving the world",
        "🚪 Asking the game to stop",
        "⚠️ It did not stop when asked: terminating it",
        "⛔ It ignored that as well: killing it …",
    ]


def test_what_is_forced_from_the_start_ignored_nothing() -> None:
    assert climbed(server(State.STOPPING), [Rung.TERMINATE], EN).splitlines()[1:] == ["⚠️ Terminating it at once …"]


@pytest.mark.parametrize(
    ("evidence", "rungs", "told"),
    [
        ([], POLITE, []),
        ([Evidence(EvidenceKind.NOT_SAVED, "unproven")], POLITE, [UNSEEN]),
        ([Evidence(EvidenceKind.NOT_SAVED, "failed")], POLITE, [UNSAVED]),
        ([Evidence(EvidenceKind.NOT_SAVED, "by a newer version")], POLITE, [UNSEEN]),
        ([Evidence(EvidenceKind.FORCED, "terminate")], (*POLITE, Rung.TERMINATE), [FORCED]),
        ([Evidence(EvidenceKind.FORCED, "kill")], POLITE, [FORCED]),
        ([Evidence(EvidenceKind.FORCED, "terminate")], (Rung.TERMINATE,), []),
        (
            [Evidence(EvidenceKind.NOT_SAVED, "failed"), Evidence(EvidenceKind.FORCED, "kill")],
            LADDER,
            [UNSAVED, FORCED],
        ),
    ],
    ids=["well", "unproven", "failed", "newer", "forced", "forced_by_another", "wanted_forced", "both"],
)
@pytest.mark.parametrize("state", [State.STOPPED, State.RUNNING], ids=["stop", "restart"])
def test_fault_6_7_a_stop_tells_what_may_be_lost(
    evidence: list[Evidence], rungs: tuple[Rung, ...], told: list[str], state: State
) -> None:
    lines = outcome(stopped(*evidence, state=state), EN, rungs).splitlines()
    assert lines[len(rungs) + 1 :] == told
    assert lines[len(rungs)].startswith(
        "⏹️ **Survival** is down" if state is State.STOPPED else "🟢 **Survival** is up"
    )


def test_a_start_does_not_tell_what_the_stop_before_it_lost() -> None:
    lost = stopped(Evidence(EvidenceKind.NOT_SAVED, "failed"), state=State.RUNNING)
    assert outcome(lost, EN).splitlines()[1:] == []


def test_a_start_is_not_told_as_a_stop_that_was_called_off() -> None:
    spared = replace(server(), called_off_by=ALICE)
    assert "Players can join" in outcome(spared, EN)
    assert "called it off" in outcome(spared, EN, [])


def test_a_server_that_was_called_back_while_it_started_says_so() -> None:
    spared = replace(server(State.STARTING), called_off_by=ALICE)
    assert outcome(spared, EN, [Rung.SAVE]).splitlines() == [
        "💾 Saving the world",
        "🔼 **Survival** goes on running: Alice called it off.",
    ]
