"""Builds what looks after limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cogs.gate import Gate
from cogs.limit import Kept, LimitCog
from cogs.pages import Pages
from monitor.bus import Bus
from monitor.limit_rounds import HostSource, LimitRounds
from monitor.limit_watch import LimitWatch
from monitor.limits import LONGEST_GAP_S
from monitor.local.drives import read_drives
from monitor.ports import Clock, Control, EventLog
from storage.database import Database
from storage.limits import Limits
from storage.reports import Reports
from storage.samples import SampleBuffer

GAP_SAMPLES = 6
"""On a busy machine samples come half as often."""


@dataclass(frozen=True, slots=True)
class Limiting:
    """Limits as they are kept and watched."""

    kept: Kept
    reports: Reports
    own_folder: Path
    clock: Clock

    @classmethod
    def over(
        cls,
        db: Database,
        samples: SampleBuffer,
        journal: EventLog,
        bus: Bus,
        clock: Clock,
        *,
        zone: str,
        sample_interval_s: float,
    ) -> Limiting:
        limits = Limits(db)
        longest_gap_s = max(LONGEST_GAP_S, GAP_SAMPLES * sample_interval_s)
        watch = LimitWatch(limits, journal, bus, clock, longest_gap_s)
        return cls(Kept(limits, watch, zone), Reports(db, samples), db.path.parent, clock)

    @property
    def watch(self) -> LimitWatch:
        """The sink that samples go to as well."""
        return self.kept.watch

    def rounds(self, control: Control, machine: HostSource) -> LimitRounds:
        """What is done from time to time."""
        return LimitRounds(self.watch, control, machine, self.reports, read_drives, self.own_folder, self.clock)

    def cog(self, control: Control, gate: Gate, pages: Pages) -> LimitCog:
        return LimitCog(control, gate, self.kept, pages, self.clock)
