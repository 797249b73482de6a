"""Runs what concerns Windows under the Windows Python of the lane (`tests/windows/install.sh`)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LANE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gamekeeper-wine"
LIMIT_S = 600


@pytest.mark.wine
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.skipif(sys.platform == "win32", reason="this is Windows: the tests run by themselves")
def test_the_monitor_works_on_windows() -> None:
    if shutil.which("wine") is None or not (LANE / "recipe").exists():
        pytest.skip("the lane is not installed; type tests/windows/install.sh")
    done = subprocess.run(
        [HERE / "run.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped)", done.stdout)}
    assert counts["passed"] > 500
