"""Which processes belong to a server, as pure functions over the rows of a process table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monitor.local.system import PortHolder
from monitor.model import ExitStatus, ProcessId


@dataclass(frozen=True, slots=True)
class Row:
    """One live process."""

    identity: ProcessId
    ppid: int
    session: int | None = None
    """The POSIX session; `None` where there is no such thing."""
    marker: str | None = None
    """Its `GAMEKEEPER_RUN`, where it has one and we may see it."""

    @property
    def pid(self) -> int:
        return self.identity.pid


class Witness(Protocol):
    """Tells what the system says of killing one process for want of memory. It may hold a descriptor."""

    def testimony(self, status: ExitStatus) -> str | None:
        """Give it, once the process has ended with `status`. Blocking, short."""
        ...

    def close(self) -> None: ...


class ProcessTable(Protocol):
    """Who is running."""

    def identify(self, pid: int) -> ProcessId | None:
        """Say who has that pid now, ended but uncollected processes included."""
        ...

    def is_live(self, identity: ProcessId) -> bool:
        """Whether that very process runs."""
        ...

    def rows(self, *, markers: bool, since: int = 0) -> list[Row]:
        """List every live process; with `markers`, their markers too, which costs more.

        What began before `since` (as in `ProcessId.started`) may be left out: nobody belongs to a server who is older
        than its first process.
        """
        ...

    def boot_id(self) -> str: ...

    def marker_of(self, pid: int) -> str | None: ...

    def port_holder(self, ports: Collection[int]) -> PortHolder | None:
        """Say who listens on the first of these that is taken."""
        ...

    def twin(self, argv: tuple[str, ...], cwd: Path, ours: Collection[ProcessId]) -> str | None:
        """Name a live process with the same program, arguments and folder that is none of `ours`."""
        ...

    def witness(self, pid: int) -> Witness:
        """Begin to look for what the system says of that process and its memory."""
        ...


def children_of(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    """Group processes by their parent's pid."""
    children: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        children[row.ppid].append(row)
    return children


def descendants(root: ProcessId, rows: Iterable[Row]) -> list[Row]:
    """Give all below `root`, parents first.

    A process that is older than its "parent" is nobody's child: the parent's pid was reused (Windows keeps the
    number of a parent that is long gone).
    """
    children = children_of(rows)
    found: dict[ProcessId, Row] = {}
    front = [root]
    while front:
        parent = front.pop()
        for row in children.get(parent.pid, ()):
            if row.identity.started >= parent.started and row.identity != root and row.identity not in found:
                found[row.identity] = row
                front.append(row.identity)
    return list(found.values())


def members(root: ProcessId, marker: str | None, rows: Iterable[Row]) -> list[ProcessId]:
    """Give every live process of the tree that began with `root`: itself, its descendants, and its lost children.

    A child whose parent has ended is handed to init, but keeps its session and its marker. The session counts
    only while nobody else has the root's pid: a number is not given out again while a session bears it, so
    another process under it means that ours is empty.
    """
    every = {row.pid: row for row in rows}
    holder = every.get(root.pid)
    if holder is not None and holder.identity != root:
        return [row.identity for row in every.values() if marker is not None and row.marker == marker]
    mine = {root} if holder is not None else set()
    mine |= {
        row.identity
        for row in every.values()
        if row.session == root.pid or (marker is not None and row.marker == marker)
    }
    below = {row.identity for member in mine for row in descendants(member, every.values())}
    return sorted(mine | below, key=lambda identity: (identity != root, identity.started, identity.pid))


def marked_root(marker: str, rows: Iterable[Row]) -> ProcessId | None:
    """Give the topmost process with this marker; the oldest where several have no marked parent."""
    marked = {row.pid: row for row in rows if row.marker == marker}
    tops = [row.identity for row in marked.values() if not _is_child(row, marked.get(row.ppid))]
    return min(tops, key=lambda identity: identity.started, default=None)


def _is_child(row: Row, parent: Row | None) -> bool:
    """Whether `parent` is the one that started it, and not a later process with that one's number."""
    return parent is not None and parent.identity.started <= row.identity.started
