"""Where a server may live, and what may be started: judged first by its text alone, then by where it leads.

The text is judged alike on every system, so that a path which is refused on one is not found out on another.
Sources: Microsoft's "Naming Files, Paths, and Namespaces", and "File path formats on Windows systems".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from monitor.errors import PathFault, PathRefused, PathRole, Problem
from monitor.local.program import find
from monitor.spec import ServerSpec

LONGEST = 1_000

WHY: Mapping[PathFault, str] = {
    PathFault.EMPTY: "it is missing",
    PathFault.TOO_LONG: f"it is longer than {LONGEST} characters",
    PathFault.CHARACTER: 'it holds a character that no path should hold, such as < > " | ? * or a control character',
    PathFault.NETWORK: "it is on another machine, or a device; use a folder of this machine",
    PathFault.DRIVE_RELATIVE: r"after the drive there should be a backslash, as in D:\games",
    PathFault.STREAM: "it has a colon in a name",
    PathFault.PARENT: "it has .. in it; write where it leads",
    PathFault.TRAILING: "a name in it ends in a dot or a space",
    PathFault.DEVICE: "a name in it is one that Windows keeps for a device",
    PathFault.SHORT_NAME: "a name in it is a short one, such as PROGRA~1; write the whole name",
    PathFault.RELATIVE: "it should be absolute",
    PathFault.NOT_FOUND: "it does not exist",
    PathFault.NOT_A_FOLDER: "it is no folder that may be entered",
    PathFault.NOT_EXECUTABLE: "it is no program that may be run",
    PathFault.OUTSIDE: "it leads to outside the folders in GAMEKEEPER_ALLOWED_ROOTS",
}
"""In English, for a terminal and for a servers file."""

_KEYS = {PathRole.FOLDER: "cwd", PathRole.PROGRAM: "argv"}

_SEPARATORS = re.compile(r"[\\/]")
_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_SHORT_NAME = re.compile(r"[^.]{1,6}~[0-9]+(?:\.[^.]{0,3})?")
_NOT_IN_NAMES = frozenset('<>"|?*')


def text_fault(text: str) -> PathFault | None:
    """Say what is wrong with a path by its text alone; `None`: nothing. Pure, and the same on every system."""
    if not text.strip():
        return PathFault.EMPTY
    if len(text) > LONGEST:
        return PathFault.TOO_LONG
    if not text.isprintable() or _NOT_IN_NAMES & set(text):
        return PathFault.CHARACTER
    if _SEPARATORS.match(text) and _SEPARATORS.match(text, 1):
        return PathFault.NETWORK
    drive = _DRIVE.match(text)
    below = text[drive.end() :] if drive else text
    if drive and not _SEPARATORS.match(below):
        return PathFault.DRIVE_RELATIVE
    if ":" in below:
        return PathFault.STREAM
    faults = (_name_fault(name) for name in _SEPARATORS.split(below))
    return next((fault for fault in faults if fault is not None), None)


def _name_fault(name: str) -> PathFault | None:
    """Judge one part of a path."""
    if name in ("", "."):
        return None
    if name == "..":
        return PathFault.PARENT
    if name[-1] in ". ":
        return PathFault.TRAILING
    if _DEVICE.fullmatch(name):
        return PathFault.DEVICE
    if _SHORT_NAME.fullmatch(name):
        return PathFault.SHORT_NAME
    return None


def is_bare(text: str) -> bool:
    """Whether a program is given by its name alone, to be looked for where the system looks for programs."""
    return not _SEPARATORS.search(text)


def folder_of(text: str, roots: Sequence[Path]) -> Path:
    """Give the folder that a server is to run in. Blocking, short.

    Args:
        text: an absolute path, as somebody typed it.
        roots: where servers may live; none: anywhere.

    Raises:
        PathRefused: it may not be that, and why.
    """
    fault = text_fault(text)
    if fault is None and not Path(text).is_absolute():
        fault = PathFault.RELATIVE
    if fault is not None:
        raise PathRefused(PathRole.FOLDER, text, fault)
    leads_to = _real(PathRole.FOLDER, text, Path(text))
    if not leads_to.is_dir() or not os.access(leads_to, os.X_OK):
        raise PathRefused(PathRole.FOLDER, text, PathFault.NOT_A_FOLDER)
    _require_inside(PathRole.FOLDER, text, leads_to, roots)
    return Path(text)


def program_of(text: str, folder: Path, roots: Sequence[Path]) -> str:
    """Give the first entry of argv for a program. Blocking, short.

    Args:
        text: a bare name such as `java`, a path below the folder, or an absolute one. A bare name that the system's
            search path does not have is looked for in the folder.
        folder: what a relative path starts from.
        roots: where programs that are given by a path may lie; none: anywhere. What the system's search path has is
            not held to that: it lies where the machine's owner put it.

    Raises:
        PathRefused: it may not be that, and why.
    """
    fault = text_fault(text)
    if fault is not None:
        raise PathRefused(PathRole.PROGRAM, text, fault)
    if is_bare(text) and find(text, folder, os.environ) is not None:
        return text
    # Joined as text: a path would drop the dot that keeps the name from being looked for elsewhere.
    spelled = os.path.join(".", text)  # noqa: PTH118
    found = find(spelled, folder, os.environ)
    leads_to = _real(PathRole.PROGRAM, text, Path(found or folder / text))
    if found is None:
        raise PathRefused(PathRole.PROGRAM, text, PathFault.NOT_EXECUTABLE)
    _require_inside(PathRole.PROGRAM, text, leads_to, roots)
    return spelled


def require_allowed(spec: ServerSpec, roots: Sequence[Path]) -> None:
    """Judge a server that somebody described in a file, and whose folder need not exist yet. Blocking, short.

    Raises:
        PathRefused: its folder or its program may not be that, and why.
    """
    cwd, program = str(spec.cwd), spec.argv[0]
    for role, text in ((PathRole.FOLDER, cwd), (PathRole.PROGRAM, program)):
        fault = text_fault(text)
        if fault is not None:
            raise PathRefused(role, text, fault)
    _require_inside(PathRole.FOLDER, cwd, _leads_to(spec.cwd), roots)
    if not is_bare(program):
        _require_inside(PathRole.PROGRAM, program, _leads_to(spec.cwd / program), roots)


def homeless(servers: Iterable[ServerSpec]) -> list[ServerSpec]:
    """Give those whose folder is not there (yet), or cannot be got at. Blocking, short."""
    return [spec for spec in servers if not os.path.isdir(spec.cwd)]  # noqa: PTH112 - pathlib's raises of the latter


def place_problems(specs: Sequence[ServerSpec], roots: Sequence[Path]) -> tuple[Problem, ...]:
    """Judge all servers of a file by `require_allowed`: what is wrong, by key. Blocking, short."""
    return tuple(
        Problem(None, f"servers[{index}].{_KEYS[refused.role]}", f"{refused.path!r}: {WHY[refused.fault]}")
        for index, spec in enumerate(specs)
        if (refused := _refusal(spec, roots)) is not None
    )


def _refusal(spec: ServerSpec, roots: Sequence[Path]) -> PathRefused | None:
    try:
        require_allowed(spec, roots)
    except PathRefused as refused:
        return refused
    return None


def _real(role: PathRole, text: str, path: Path) -> Path:
    """Follow every link to where the path leads."""
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as err:
        raise PathRefused(role, text, PathFault.NOT_FOUND) from err


def _leads_to(path: Path) -> Path:
    """Follow links as far as there is something. Of links that go round, the path itself is left."""
    return Path(os.path.realpath(path))


def _require_inside(role: PathRole, text: str, leads_to: Path, roots: Sequence[Path]) -> None:
    if roots and not any(leads_to.is_relative_to(root.resolve()) for root in roots):
        raise PathRefused(role, text, PathFault.OUTSIDE, tuple(map(str, roots)))
