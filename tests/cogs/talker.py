from __future__ import annotations

from tests.cogs.world import World


class Talker:
    """What a game says to a command."""

    def __init__(self, home: World, answer: str) -> None:
        self.asked: list[str] = []
        self._answer = answer
        home.house.game("alpha").command = self.command  # type: ignore[method-assign]

    async def command(self, text: str) -> str:
        self.asked.append(text)
        return self._answer
