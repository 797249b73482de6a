"""Where what belongs to running servers is written: in the data folder, or elsewhere while that takes nothing."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

SERVER_LOGS = "servers"
RUNS = "runs"
"""What became of servers that ended while no bot was there to see it."""

log = structlog.get_logger(__name__)


def workplace(data_dir: Path) -> Path:
    """Give the data folder, or a temporary one with what was known of the runs. Blocking, short.

    From a temporary one servers are started all the same; what is captured there does not last.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as err:
        elsewhere = Path(tempfile.mkdtemp(prefix="gamekeeper-"))
        log.error("data_dir_takes_nothing", why=err.strerror, elsewhere=str(elsewhere))  # noqa: TRY400  # no surprise
        with suppress(OSError):
            shutil.copytree(data_dir / RUNS, elsewhere / RUNS)
        return elsewhere
    return data_dir
