"""What is said of the database itself: damaged and restored, in trouble, well again."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.render.text import duration, escape, timestamp
from monitor.errors import StorageFault
from monitor.events import DatabaseRestored, StorageDegraded, StorageRecovered
from storage.trouble import Trouble

DEGRADED: dict[StorageFault, str] = {
    StorageFault.FULL: mark("The disk is full"),
    StorageFault.READ_ONLY: mark("The database cannot be written"),
    StorageFault.NO_FOLDER: mark("The database cannot be written"),
    StorageFault.DISK: mark("The disk does not work"),
    StorageFault.UNREADABLE: mark("The database is damaged"),
}

ADVICE: dict[StorageFault, str] = {
    StorageFault.FULL: mark("Free some space on that disk; I notice by myself."),
    StorageFault.READ_ONLY: mark("Make the folder writable again; I notice by myself."),
    StorageFault.NO_FOLDER: mark("Make the folder writable again; I notice by myself."),
    StorageFault.DISK: mark("Check the disk and its cable; I notice by myself when it works again."),
    StorageFault.UNREADABLE: mark("Restart the bot: it then puts the newest backup in its place."),
}

RESTORED = mark("The database was damaged")
RECOVERED = mark("The database can be used again")


def restored(event: DatabaseRestored, words: Words) -> str:
    parts = [f"**{_missing(event, words)}**"]
    if event.set_aside:
        file = f"`{event.set_aside}`"
        parts.append(words.text("It is kept as {file}, for whoever wants to look.", file=file))
    if event.found:
        parts.append(f"🔎 {escape(event.found, 300)}")
    if event.backup_ms is None:
        advice = words.text("Take the servers in again with `{command}`.", command="gamekeeper server import")
    else:
        advice = words.text("Check the disk: a healthy one does not damage files.")
    return "\n".join([*parts, f"➡️ {advice}"])


def _missing(event: DatabaseRestored, words: Words) -> str:
    if event.backup_ms is None:
        return words.text("There was no backup: the history begins anew.")
    since = f"{timestamp(event.backup_ms, 'f')} ({timestamp(event.backup_ms)})"
    if event.until_ms is None:
        return words.text("A backup took its place. What was written after it is missing: {when}", when=since)
    if event.until_ms <= event.backup_ms:
        return words.text("A backup took its place. Nothing was written after it, so nothing is missing.")
    until = timestamp(event.until_ms, "f")
    return words.text("A backup took its place. What is missing: {since} to {until}", since=since, until=until)


def degraded_headline(event: StorageDegraded) -> str:
    return DEGRADED[StorageFault(event.fault)]


def degraded(event: StorageDegraded, words: Words) -> str:
    fault = StorageFault(event.fault)
    if event.in_memory:
        told = words.text(
            "The games run on, and commands work. What happens is kept in memory until it can be written: "
            "it is lost if the bot ends before that. Measurements are not kept."
        )
    elif fault is StorageFault.FULL:
        told = words.text(
            "The games run on, and what happens is still written down, in room kept for that. "
            "Measurements are not, until there is space again."
        )
    else:
        told = words.text("The games run on, and commands work. Some of the history cannot be read or written.")
    return f"**{told}**\n📁 {escape(event.path, 300)}\n➡️ {words.text(ADVICE[fault])}"


def trouble_line(trouble: Trouble | None, words: Words) -> str | None:
    """What is wrong right now and what to do about it, in one line; nothing when all is well."""
    if trouble is None:
        return None
    return f"⚠️ **{words.text(DEGRADED[trouble.fault])}** ➡️ {words.text(ADVICE[trouble.fault])}"


def recovered(event: StorageRecovered, words: Words) -> str:
    told = words.text("After {time}.", time=duration(event.after_s, words))
    if not event.samples_dropped:
        return f"**{told}** {words.text('Nothing was lost.')}"
    lost = words.plural(
        "{n} measurement was not kept, so charts have a gap.",
        "{n} measurements were not kept, so charts have a gap.",
        event.samples_dropped,
    )
    return f"**{told}** {lost}"
