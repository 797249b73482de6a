"""Which game a folder holds, from the names in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MINECRAFT = "minecraft"
PALWORLD = "palworld"

_CERTAIN: Mapping[str, str] = {
    "palserver.exe": PALWORLD,
    "palserver.sh": PALWORLD,
    "server.properties": MINECRAFT,
    "minecraft_server.jar": MINECRAFT,
}
"""Names, in small letters, that tell by themselves."""


def guess(names: Collection[str]) -> str | None:
    """Give the game whose files these are, by its adapter's name; `None` where they tell nothing. Pure."""
    lower = {name.lower() for name in names}
    certain = sorted({_CERTAIN[name] for name in lower & _CERTAIN.keys()})
    if certain:
        # Two games in one folder: which of them is meant cannot be told.
        return certain[0] if len(certain) == 1 else None
    if {"pal", "engine"} <= lower:
        return PALWORLD
    jar = any(name.endswith(".jar") for name in lower)
    return MINECRAFT if jar and ("eula.txt" in lower or "server.jar" in lower) else None
