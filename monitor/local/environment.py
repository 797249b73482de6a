"""The environment that a server is started with."""

from __future__ import annotations

from collections.abc import Mapping

MARKER = "GAMEKEEPER_RUN"
"""The variable by which a process is found again when its pid was never written down."""

_OURS = ("DISCORD_", "GAMEKEEPER_")


def server_environment(inherited: Mapping[str, str], added: Mapping[str, str], marker: str) -> dict[str, str]:
    """Give the bot's environment without the bot's own settings (the token is one), with the server's on top."""
    kept = {name: value for name, value in inherited.items() if not name.upper().startswith(_OURS)}
    return {**kept, **added, MARKER: marker}
