"""How the text of each kind of setting is read. A `ValueError` says in words what is wrong, and quotes no value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.localtime import get_localzone
from pydantic import BeforeValidator

_MAX_SNOWFLAKE = 2**64 - 1
_MAX_PORT = 65_535
_MOST_DIGITS = 20
"""As many as the highest id has."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where the health page listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def from_text(parse: Callable[[str], object]) -> BeforeValidator:
    """Read text by `parse`; a default, which is no text, is left alone."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def token(value: str) -> str:
    if value.isdigit():
        raise ValueError("it is an id, not a token: the token is on the application's Bot page")
    if value.startswith("Bot ") or not value.isascii() or any(c.isspace() or c in "'\"<>" for c in value):
        raise ValueError("it is not the bare token: no word before it, no space, no quote")
    return value


def snowflake(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS and 0 < int(value) <= _MAX_SNOWFLAKE):
        raise ValueError(
            "it is not a Discord id, which is digits only (Discord shows it in Developer Mode, as Copy ID)"
        )
    return int(value)


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def snowflakes(value: str) -> tuple[int, ...]:
    def one(place: int, item: str) -> int:
        try:
            return snowflake(item)
        except ValueError:
            raise ValueError(f"entry {place} is not a Discord id; ids are digits only, with commas between") from None

    return tuple(dict.fromkeys(one(place, item) for place, item in enumerate(_items(value), 1)))


def api_base(value: str) -> str:
    if not _is_http_address(value):
        raise ValueError("it is not an http or https address")
    return value.rstrip("/")


def _is_http_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # a wrong port is found out only here
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or any(c.isspace() for c in value))
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def folder(value: str) -> Path:
    if not value.isprintable():
        raise ValueError("it is not a path")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ValueError("~ cannot be used here: this user has no home folder") from None


def folders(value: str) -> tuple[Path, ...]:
    def one(place: int, item: str) -> Path:
        if not (Path(item).is_absolute() or item.startswith("~")):
            raise ValueError(f"entry {place} is not an absolute path")
        return folder(item)

    return tuple(one(place, item) for place, item in enumerate(_items(value), 1))


def zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("there is no such time zone; it is an IANA name") from None


def machine_zone() -> ZoneInfo:
    """Give the machine's own zone, or UTC where it has none that goes by an IANA name."""
    zone: tzinfo | None
    try:
        zone = get_localzone()
    except (LookupError, OSError, ValueError):
        zone = None
    return zone if isinstance(zone, ZoneInfo) and zone.key else ZoneInfo("UTC")


def bind(value: str) -> Bind:
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or any(c.isspace() for c in host):
        raise ValueError("it is not an address and a port with a colon between")
    if not (port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS and int(port) <= _MAX_PORT):
        raise ValueError("its port is not a number up to 65535")
    return Bind(host, int(port))
