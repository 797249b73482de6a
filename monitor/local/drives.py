"""How full the drives are that some folders are on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from monitor.limit_rounds import Drive


def read_drives(folders: Iterable[Path]) -> Mapping[Path, Drive]:
    """Give the drive of each folder, each read once; a folder whose drive cannot be read is left out. Blocking."""
    drives: dict[str, Drive | None] = {}
    found = {}
    for folder in folders:
        name = drive_of(folder)
        if name not in drives:
            drives[name] = _read(name)
        drive = drives[name]
        if drive is not None:
            found[folder] = drive
    return found


def drive_of(folder: Path) -> str:
    """Name the drive that a folder is on, or is going to be on once it is made: where that drive begins."""
    place = os.path.realpath(folder)
    while not os.path.ismount(place):
        parent = os.path.dirname(place)  # noqa: PTH120  # a Path's parent of a share of Windows is itself too early
        if parent == place:
            break
        place = parent
    return place


def _read(name: str) -> Drive | None:
    try:
        usage = shutil.disk_usage(name)
    except OSError:
        return None
    return Drive(name, usage.free, usage.total)
