"""What `/panel` answers, and how a panel is called in a list."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.pinning import NAMED_AT_MOST, PANELS_AT_MOST, PanelFault
from cogs.render.text import escape
from storage.panels import Panel

WHY_AT_MOST = 200

FAULTS: dict[PanelFault, str] = {
    PanelFault.WORDLESS: mark("Nobody can write in {detail}. Choose a text channel or a thread."),
    PanelFault.TOO_MANY: mark("There are {panels} panels here already. Take one away by `/panel unpin` first."),
    PanelFault.TOO_LONG: mark("Name {servers} servers at most, or none for all of them."),
    PanelFault.NOT_POSTED: mark(
        "The panel could not be posted there: {detail}. Let me see that channel, send messages and embed links in it."
    ),
    PanelFault.NO_SUCH_PANEL: mark("There is no panel “{detail}” here. Pick one from the list."),
}


def panel_refused(fault: PanelFault, detail: str, words: Words) -> str:
    """Why there is no such panel, and what to do."""
    shown = escape(detail, WHY_AT_MOST)
    return words.text(FAULTS[fault], detail=shown, panels=PANELS_AT_MOST, servers=NAMED_AT_MOST)


def pinned(panel: Panel, words: Words) -> str:
    """It stands there."""
    where = f"https://discord.com/channels/{panel.guild_id}/{panel.channel_id}/{panel.message_id}"
    return words.text("📌 The panel is {where}. It keeps itself current; `/panel unpin` takes it away.", where=where)


def unpinned(panel: Panel, words: Words) -> str:
    """It stands there no more."""
    return words.text("🗑️ The panel in {channel} is taken away.", channel=f"<#{panel.channel_id}>")


def panel_label(panel: Panel, channel: str, trouble: str, words: Words) -> str:
    """One panel in a list, and what is wrong with it."""
    shows = ", ".join(panel.server_ids) or words.text("all servers")
    where = channel or words.text("a channel that I do not see")
    label = f"#{panel.id} → #{where} · {shows}"
    return f"⚠️ {label} · {trouble}" if trouble else label
