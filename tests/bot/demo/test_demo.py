from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from tests.bot.demo.browser import CHROMIUM, Visitor, browsing, running_demo
from tests.fakes.free_port import free_port

pytestmark = pytest.mark.timeout(300)
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")


def words_of(process: psutil.Process) -> list[str]:
    """Its command line, or nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def game_of(demo: subprocess.Popen[str]) -> psutil.Process:
    # Its parent is the recorder, a shell with the same words in its command line.
    below = psutil.Process(demo.pid).children(recursive=True)
    games = [process for process in below if words_of(process)[1:3] == ["-m", "bot.demo.game"]]
    assert len(games) == 1
    return games[0]


def folder_of(demo: subprocess.Popen[str]) -> Path:
    opened = [Path(file.path) for file in psutil.Process(demo.pid).open_files()]
    return next(parent for file in opened for parent in file.parents if parent.name.startswith("gamekeeper-demo-"))


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended: of one that has, an entry stays until whoever took its parent's place looks at it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def left_of(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run when the moment has passed that a recorder takes to see that its game is gone."""
    late = [process for process in processes if runs(process)]
    psutil.wait_procs(late, timeout=30)
    return [process for process in late if runs(process)]


def end(demo: subprocess.Popen[str], number: signal.Signals) -> int:
    demo.send_signal(number)
    return demo.wait(30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_serves_its_page_and_ends_with_nothing_left(number: signal.Signals) -> None:
    with running_demo() as (demo, url):
        with urllib.request.urlopen(url, timeout=10) as page:
            assert page.status == 200
        folder = folder_of(demo)
        others = psutil.Process(demo.pid).children(recursive=True)

        assert end(demo, number) == 0

        assert not folder.exists()
        assert left_of(others) == []


def test_it_serves_its_page_where_it_was_told_to() -> None:
    port = free_port()
    with running_demo("--port", str(port)) as (_, url):
        assert url.startswith(f"http://127.0.0.1:{port}/")


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        command = [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", port]
        demo = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert demo.returncode == 1
    assert port in demo.stderr
    assert "--port" in demo.stderr
    assert "Traceback" not in demo.stderr


@in_browser
def test_a_start_a_crash_and_what_follows_are_seen_in_the_page() -> None:
    with running_demo() as (demo, url), browsing(url) as visitor:
        visitor.slash("start", server="meadow")
        visitor.sees("is up")
        game = game_of(demo)

        visitor.slash("rcon", server="meadow", command="crash")

        visitor.sees("crashed")
        visitor.sees("SIGSEGV")
        visitor.sees_picture()
        game.wait(30)
        assert came_back(demo, visitor).pid != game.pid
        folder = folder_of(demo)
        others = psutil.Process(demo.pid).children(recursive=True)
        assert end(demo, signal.SIGTERM) == 0
        assert not folder.exists()
        assert left_of(others) == []


@in_browser
def test_a_kill_from_outside_is_told_and_drawn() -> None:
    with running_demo() as (demo, url), browsing(url) as visitor:
        visitor.slash("start", server="meadow")
        visitor.sees("is up")
        game = game_of(demo)
        game.kill()
        visitor.sees("SIGKILL")
        visitor.sees_picture()


ADMIN, VISITOR = "You, the admin", "A visitor without rights"


@in_browser
def test_a_visitor_without_rights_is_refused_let_in_and_both_are_explained() -> None:
    with running_demo() as (_, url), browsing(url) as visitor:
        visitor.become(VISITOR)
        visitor.slash_unoffered("start", server="meadow")
        visitor.sees("it takes the permission")

        visitor.become(ADMIN)
        visitor.slash("access check", who=VISITOR, action="control", server="meadow")
        visitor.sees("They have no grant at all")
        visitor.slash("access grant", who=VISITOR, action="control", server="meadow")
        visitor.sees("may control now on")
        visitor.slash("access check", who=VISITOR, action="control", server="meadow")
        visitor.sees("By a grant of their own")

        visitor.become(VISITOR)
        visitor.slash("start", server="meadow")
        visitor.sees("is up")


def came_back(demo: subprocess.Popen[str], visitor: Visitor) -> psutil.Process:
    """Ask until the server runs again, as a person would."""
    while "PID" not in visitor.page.locator("main").inner_text():
        visitor.slash("status", server="meadow")
    return game_of(demo)
