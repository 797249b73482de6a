"""Why the demo cannot run here."""

from __future__ import annotations

from monitor.errors import GamekeeperError


class DemoUnavailable(GamekeeperError):
    """The demo cannot run here; `str()` says why and what to do."""
