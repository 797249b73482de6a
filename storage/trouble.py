"""What can be wrong with the database while it is used all the same."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.errors import StorageFault

REFUSING = frozenset({StorageFault.FULL, StorageFault.READ_ONLY, StorageFault.NO_FOLDER, StorageFault.DISK})
"""What is wrong with the disk rather than with the file: it may pass, and memory helps until then."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of them."""

    fault: StorageFault
    detail: str
    in_memory: bool
    """Whether what happens is kept in memory alone, because the disk takes nothing."""
