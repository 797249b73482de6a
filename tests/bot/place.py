"""A guild of the stand-in with its people, and the settings of a bot that works there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.waiting import PATIENCE_S
from tests.standin.message import Message
from tests.standin.places import Channel, Guild, Member
from tests.standin.server import StandIn


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test's bot works, and who is there."""

    standin: StandIn
    guild: Guild
    talk: Channel
    alerts: Channel
    owner: Member
    stranger: Member

    def variables(self, data_dir: Path) -> dict[str, str]:
        """The bot's settings, as environment variables; the stand-in is in none but `DISCORD_API_BASE`."""
        return {
            "DISCORD_TOKEN": self.standin.token,
            "DISCORD_API_BASE": self.standin.base,
            "DISCORD_GUILD_IDS": str(self.guild.id),
            "DISCORD_OWNER_IDS": str(self.owner.id),
            "DISCORD_ALERT_CHANNEL_ID": str(self.alerts.id),
            "GAMEKEEPER_DATA_DIR": str(data_dir),
            "GAMEKEEPER_TIMEZONE": "UTC",
            "GAMEKEEPER_SAMPLE_INTERVAL_S": "1",
            "GAMEKEEPER_FLUSH_INTERVAL_S": "300",
        }

    async def slash(self, command: str, /, *, timeout_s: float = PATIENCE_S, **options: Any) -> Message:
        """What the owner is told in the end of a command that is deferred and then answered once."""
        interaction = await self.standin.slash(self.owner, self.talk, command, options)
        return await interaction.edited(timeout_s=timeout_s)

    @property
    def posted(self) -> list[Message]:
        """What stands in the alert channel."""
        return self.standin.messages(self.alerts)

    async def alert(self, number: int = 1, timeout_s: float = PATIENCE_S) -> Message:
        """The alert of this number, from 1, once its chart is in it."""

        def illustrated() -> Message | None:
            found = self.posted[number - 1 : number]
            return found[0] if found and found[0].attachments else None

        message = await self.standin.wait_for(illustrated, timeout_s)
        assert message is not None
        return message


def settle_in(standin: StandIn) -> Place:
    """Make such a guild."""
    guild = standin.guild("Games")
    return Place(
        standin=standin,
        guild=guild,
        talk=guild.channel("talk"),
        alerts=guild.channel("alerts"),
        owner=guild.member("owner"),
        stranger=guild.member("stranger"),
    )


def shown(message: Message) -> str:
    """All that a person reads in a message."""
    texts = [message.content]
    for embed in message.embeds:
        texts += [embed.get("title", ""), embed.get("description", "")]
        texts += [f"{field['name']}\n{field['value']}" for field in embed.get("fields", ())]
    return "\n".join(texts)
