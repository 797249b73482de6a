from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.demo.game import read_options
from monitor.errors import AccessRefused, GameFault, GameUnavailable
from monitor.games.rcon_connection import RconConnection
from monitor.spec import AdminEndpoint, Secret
from tests.bot.demo.demo_process import PASSWORD, DemoProcess, demo_process
from tests.fakes.waiting import PATIENCE_S, until

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


async def connection_to(demo: DemoProcess) -> RconConnection:
    endpoint = (await demo.spec()).admin
    assert endpoint is not None
    return RconConnection(endpoint)


async def test_it_is_ready_fast_and_says_so(tmp_path: Path) -> None:
    async with demo_process(tmp_path / "world") as demo:
        await demo.line(r'^\[\d\d:\d\d:\d\d\] \[INFO\] Done \(\d+\.\d\ds\)! For help, type "help"$')
        # 0.2 s on a quiet machine; what others take of the processor does not count, and a slow one has room.
        used = psutil.Process(demo.process.pid).cpu_times()
        assert used.user + used.system < 3


async def test_stop_saves_and_ends_with_0(demo: DemoProcess, tmp_path: Path) -> None:
    connection = await connection_to(demo)
    assert await connection.command("stop") == "Stopping the server"
    await connection.close()
    assert await demo.exit_code() == 0
    await demo.line("Stopping server")
    await demo.line("Saved the game")
    assert json.loads((tmp_path / "world" / "world.json").read_text(encoding="utf-8"))["ticks"] > 0


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_saves_and_ends_with_0_and_is_no_stop_from_inside(
    demo: DemoProcess, number: signal.Signals
) -> None:
    await demo.line(r"Done \(")
    demo.process.send_signal(number)
    assert await demo.exit_code() == 0
    await demo.line(f"Received {number.name}, closing down")
    await demo.line("Saved the game")
    assert not any("Stopping server" in line for line in demo.lines)


@posix
async def test_crash_dies_of_a_segmentation_fault_and_leaves_no_core(demo: DemoProcess, tmp_path: Path) -> None:
    connection = await connection_to(demo)
    assert await connection.command("crash") == "Following a null pointer…"
    await connection.close()
    assert await demo.exit_code() == -signal.SIGSEGV
    await demo.line(r"\[ERROR\] Mesher thread 3: read of address")
    assert not (tmp_path / "world" / "world.json").exists()


@posix
async def test_hang_answers_nothing_and_heeds_no_signal(demo: DemoProcess) -> None:
    connection = await connection_to(demo)
    await connection.command("list")  # it is connected, so that the next one is sent in time
    with pytest.raises(GameUnavailable) as caught:
        await connection.command("hang", timeout_s=1)
    assert caught.value.fault is GameFault.TIMEOUT
    await connection.close()
    await demo.line("Can't keep up")
    demo.process.terminate()
    with pytest.raises(TimeoutError):
        await demo.exit_code(timeout_s=0.7)
    demo.process.kill()
    assert await demo.exit_code() == -signal.SIGKILL


async def test_a_hung_one_ends_too_when_its_world_is_gone(demo: DemoProcess, tmp_path: Path) -> None:
    connection = await connection_to(demo)
    await connection.command("list")
    with pytest.raises(GameUnavailable):
        await connection.command("hang", timeout_s=1)
    await connection.close()
    shutil.rmtree(tmp_path / "world")
    assert await demo.exit_code() == 0


async def test_it_ends_by_itself_when_its_world_is_gone(demo: DemoProcess, tmp_path: Path) -> None:
    await demo.line(r"Done \(")
    shutil.rmtree(tmp_path / "world")
    assert await demo.exit_code() == 0
    assert not (tmp_path / "world").exists()


async def test_it_ends_by_itself_after_its_hours(tmp_path: Path) -> None:
    async with demo_process(tmp_path / "world", "--hours", "0.0001") as demo:
        assert await demo.exit_code() == 0
        await demo.line("Saved the game")


async def test_a_taken_port_is_told_and_ends_with_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with demo_process(tmp_path / "world", "--port", str(port)) as demo:
            assert await demo.exit_code() == 1
            await demo.line(f"FAILED TO BIND TO PORT {port}")


async def test_a_world_that_is_a_file_is_told_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "world").write_text("")
    async with demo_process(tmp_path / "world") as demo:
        assert await demo.exit_code() == 1
        await demo.line("Failed to open the world")


async def test_no_password_is_refused(tmp_path: Path) -> None:
    async with demo_process(tmp_path / "world", password="") as demo:
        assert await demo.exit_code() == 2
        await demo.line("environment variable DEMO_PW is empty")


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--port", "x"]], ids=["no speed", "no port"])
def test_wrong_options_end_with_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_PW", PASSWORD)
    with pytest.raises(SystemExit) as caught:
        read_options(["--password-env", "DEMO_PW", "--world", "w", *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


async def test_a_wrong_password_is_refused(demo: DemoProcess) -> None:
    endpoint = (await demo.spec()).admin
    assert endpoint is not None
    connection = RconConnection(AdminEndpoint(endpoint.host, endpoint.port, Secret("wrong")))
    with pytest.raises(AccessRefused):
        await connection.command("list")
    await connection.close()


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a browser"),
        pytest.param(b"\xff\xff\xff\xff", id="length -1"),
        pytest.param(b"\x0e\0\0\0\x01\0\0\0\x02\0\0\0stop\0\0", id="a command without the password"),
    ],
)
async def test_rubbish_is_hung_up_on_and_others_are_served(demo: DemoProcess, rubbish: bytes) -> None:
    endpoint = (await demo.spec()).admin
    assert endpoint is not None
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    writer.write(rubbish)
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()
    await writer.wait_closed()
    connection = RconConnection(endpoint)
    assert (await connection.command("list")).startswith("There are ")
    await connection.close()


async def test_a_long_reply_comes_whole(demo: DemoProcess) -> None:
    connection = await connection_to(demo)
    lines = (await connection.command("chunks")).splitlines()
    await connection.close()
    assert len(lines) == 625
    assert (lines[0], lines[-1]) == ("chunk -12 -12 loaded", "chunk +12 +12 loaded")


async def test_help_names_every_command_and_an_unknown_one_points_to_it(demo: DemoProcess) -> None:
    connection = await connection_to(demo)
    named = [line.partition(":")[0] for line in (await connection.command("/help")).splitlines()]
    assert named == ["help", "list", "say", "save-all", "tps", "chunks", "stop", "crash", "hang"]
    assert "help" in await connection.command("fly")
    await connection.close()


async def test_players_come_and_go_in_the_log(demo: DemoProcess) -> None:
    name = (await demo.line(r"\] (\S+) joined the game"))[1]
    await demo.line(r"\] \S+ left the game")
    assert name


async def test_it_costs_little_and_its_memory_grows_up_to_the_limit(tmp_path: Path) -> None:
    options = ("--speed", "40", "--memory-mib", "16")
    async with demo_process(tmp_path / "world", *options) as demo:
        await demo.line(r"Done \(")
        process = psutil.Process(demo.process.pid)
        before_bytes, cpu_before, began_s = process.memory_info().rss, process.cpu_times(), time.monotonic()

        await until(lambda: process.memory_info().rss - before_bytes > 14 * 2**20, every_s=0.05)
        cpu, took_s = process.cpu_times(), time.monotonic() - began_s
        used_s = cpu.user + cpu.system - cpu_before.user - cpu_before.system
        assert 0 < used_s / took_s < 0.25
        await demo.line(r"joined the game")
        assert process.memory_info().rss - before_bytes < 26 * 2**20


@posix
async def test_a_save_that_fails_is_told_and_the_game_goes_on(demo: DemoProcess, tmp_path: Path) -> None:
    connection = await connection_to(demo)
    # A folder in the new file's place stops even root.
    (tmp_path / "world" / "world.json.new").mkdir()
    assert "Could not save" in await connection.command("save-all")
    assert (await connection.command("list")).startswith("There are ")
    await connection.command("stop")
    await connection.close()
    assert await demo.exit_code() == 1
