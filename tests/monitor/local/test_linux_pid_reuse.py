"""A pid that really is given to somebody else: in a pid namespace of its own, where the next pid can be chosen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PLAY = """
import asyncio, json, os, subprocess, sys, time
from pathlib import Path
from monitor.local import pidfd, procfs
from monitor.local.launcher import LocalLauncher
from monitor.local.linux import LinuxSystem, ProcfsTable
from monitor.local.posix import PosixSystem
from monitor.local.records import Records
from monitor.ports import LaunchRequest

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
SLEEPER = ("/bin/sh", "-c", "read -r line")

def take_pid(pid):
    LAST_PID.write_text(str(pid - 1))
    return subprocess.Popen(SLEEPER, stdin=subprocess.PIPE, start_new_session=True)

async def main(form, folder):
    records = Records(folder / "runs")
    system = LinuxSystem(ProcfsTable(), records) if form == "pidfd" else PosixSystem(ProcfsTable(), records)
    launcher = LocalLauncher(system, os.environ)
    process = await launcher.spawn(LaunchRequest("one", SLEEPER, folder, {}, "m", folder / "one.log"))
    identity = process.identity
    another = await launcher.adopt(identity)
    os.kill(identity.pid, 9)
    await process.wait()
    while Path(f"/proc/{identity.pid}").exists():
        time.sleep(0.001)
    time.sleep(0.02)  # the clock by which starts are told apart has 100 ticks a second
    stranger = take_pid(identity.pid)
    for hold in (process, another):
        await hold.interrupt("SIGKILL")
        await hold.terminate_tree()
        await hold.kill_tree()
    pidfd.send(identity, 9)
    adopted, found = await launcher.adopt(identity), await launcher.find("m")
    stranger.stdin.write(b"still here\\n")
    stranger.stdin.close()
    print(json.dumps({
        "same pid": stranger.pid == identity.pid,
        "another start": procfs.identify(os.getpid()).started != identity.started,
        "stranger ended with": stranger.wait(),
        "adopted": adopted is not None,
        "found": found is not None,
    }))

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


def in_pid_namespace(*argv: str) -> list[str]:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare(1) here")
    wrapped = [unshare, "--pid", "--fork", "--mount-proc", *argv]
    trial = subprocess.run(
        [*wrapped[:4], "test", "-w", "/proc/sys/kernel/ns_last_pid"], capture_output=True, check=False
    )
    if trial.returncode:
        pytest.skip("we may not make a pid namespace here, or choose its next pid")
    return wrapped


@pytest.mark.parametrize("form", ["pidfd", "pid"])
def test_fault_13_a_stranger_who_was_given_the_pid_is_never_signalled(tmp_path: Path, form: str) -> None:
    argv = in_pid_namespace(sys.executable, "-c", PLAY, form, str(tmp_path))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "same pid": True,
        "another start": True,
        "stranger ended with": 0,
        "adopted": False,
        "found": False,
    }


MEASURE = """
import json, os, subprocess, sys, time
from pathlib import Path
from monitor.local import procfs
from monitor.local.kept_files import KeptFiles
from monitor.local.proc_reader import ProcReader

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
SLEEPER = ("/bin/sh", "-c", "echo up; read -r line")

def take_pid(pid, env=None):
    LAST_PID.write_text(str(pid - 1))
    taken = subprocess.Popen(SLEEPER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=env)
    taken.stdout.readline()  # its environment is there a moment after it has begun
    return taken

def end(process):
    process.kill()
    process.wait()
    time.sleep(0.02)  # the clock by which starts are told apart has 100 ticks a second

now_s = 1000.0
reader = ProcReader(now=lambda: now_s, files=KeptFiles(int(sys.argv[1])))
first = take_pid(5000, {"GAMEKEEPER_RUN": "m"})
roots = {"game": procfs.identify(first.pid)}
seen = [len(reader.read(roots))]
now_s += 31
seen.append(reader.read(roots)["game"].processes)
stray = take_pid(300, {"GAMEKEEPER_RUN": "m"})  # the circle of numbers has closed meanwhile
now_s += 31
seen.append(reader.read(roots)["game"].processes)
end(stray)
stranger = take_pid(300)
seen.append(reader.read(roots)["game"].processes)
end(first)
another = take_pid(5000)
seen += [len(reader.read(roots)) for _ in range(3)]
print(json.dumps([stray.pid, stranger.pid, another.pid, *seen]))
"""


@pytest.mark.parametrize("most", [0, 100], ids=["descriptors short", "descriptors kept"])
def test_fault_13_a_stranger_who_was_given_the_pid_is_never_measured(most: int) -> None:
    argv = in_pid_namespace(sys.executable, "-c", MEASURE, str(most))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [300, 300, 5000, 1, 1, 2, 1, 0, 0, 0]
