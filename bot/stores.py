"""The storage floor, built over one open database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.alerting import AlertStores
from bot.settings import Settings
from monitor.ports import Clock
from storage.audit import Audit
from storage.database import Database
from storage.exports import Exports
from storage.grants import Grants
from storage.journal import Journal
from storage.panels import Panels
from storage.players import Players
from storage.samples import SampleBuffer
from storage.series import Keep
from storage.servers import Servers
from storage.settings import StoredSettings


@dataclass(frozen=True, slots=True)
class Stores:
    """The storage floor over one open database."""

    db: Database
    servers: Servers
    settings: StoredSettings
    journal: Journal
    alerts: AlertStores
    grants: Grants
    audit: Audit
    samples: SampleBuffer
    players: Players
    exports: Exports
    panels: Panels

    @classmethod
    def over(cls, db: Database, settings: Settings, clock: Clock, exports: Path) -> Stores:
        """Build it; `exports` is the folder for exports that are being made."""
        samples = SampleBuffer(db, clock, flush_interval_s=settings.flush_interval_s, keep=keep(settings))
        return cls(
            db,
            Servers(db),
            StoredSettings(db),
            Journal(db),
            AlertStores.over(db),
            Grants(db),
            Audit(db),
            samples,
            Players(db),
            Exports(db, samples, exports),
            Panels(db),
        )


def keep(settings: Settings) -> Keep:
    """How long measurements are kept."""
    return Keep(
        raw_days=settings.keep_raw_days,
        minute_days=settings.keep_minute_days,
        ten_minute_days=settings.keep_ten_minute_days,
        hour_days=settings.keep_hour_days,
    )
