from __future__ import annotations

from pathlib import Path

from storage.database import Database
from storage.settings import StoredSettings


async def test_a_choice_outlives_the_bot_and_the_last_one_counts(path: Path) -> None:
    async with await Database.open(path) as db:
        assert await StoredSettings(db).alert_channel() is None
        await StoredSettings(db).choose_alert_channel(1)
        await StoredSettings(db).choose_alert_channel(2**63 + 5)
    async with await Database.open(path) as db:
        assert await StoredSettings(db).alert_channel() == 2**63 + 5
