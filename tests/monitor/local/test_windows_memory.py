"""What Windows' own diagnosis of memory shortage is read as."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from monitor.local import windows_memory
from monitor.local.windows_memory import evidence, evidence_on

EVENT = """<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
<Provider Name='Microsoft-Windows-Resource-Exhaustion-Detector'/><EventID>2004</EventID>
<TimeCreated SystemTime='2026-03-01T12:00:00.1234567Z'/><Execution ProcessID='77'/></System><UserData>
<MemoryExhaustionInfo><ProcessInfo><Process_1><Name>java.exe</Name><ID>4711</ID></Process_1>
<Process_2><Name>PalServer.exe</Name><ID>42</ID></Process_2></ProcessInfo></MemoryExhaustionInfo></UserData></Event>"""


@pytest.mark.parametrize("pid", [4711, 42])
def test_a_process_that_is_named_is_told_of(pid: int) -> None:
    assert evidence(EVENT, pid) == (
        f"System event 2004 of 2026-03-01T12:00:00.1234567Z: low on virtual memory, pid {pid} among the largest"
    )


@pytest.mark.parametrize(
    ("event", "pid"),
    [(EVENT, 77), (EVENT, 471), (EVENT, 2004), ("", 4711), ("<Event>", 4711)],
    ids=["who wrote it", "part of a pid", "another number", "no event", "half an event"],
)
def test_nothing_is_made_of_the_rest(event: str, pid: int) -> None:
    assert evidence(event, pid) is None


@pytest.mark.skipif(sys.platform == "win32", reason="puts a script in the place of wevtutil")
def test_the_log_is_asked_for_the_latest_event_of_the_last_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "wevtutil"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{tmp_path}/asked\ncat <<'END'\n{EVENT}\nEND\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert evidence_on(4711) is not None
    asked = (tmp_path / "asked").read_text()
    assert "timediff(@SystemTime) <= 300000" in asked
    assert "/rd:true" in asked


def test_without_the_tool_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_memory, "_COMMAND", ("no-such-tool-anywhere",))
    assert evidence_on(4711) is None
