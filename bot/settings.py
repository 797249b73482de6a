"""The settings: the only place that reads the environment.

A value in the environment wins over the same one in `.env`. What is left empty counts as not given. A wrong value is
described, never quoted: a token pasted on the wrong line must not end up in a log.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot import values
from bot.envfile import UnreadableFile, file_problems
from bot.values import Bind
from monitor.errors import GamekeeperError
from storage.backup import BACKUPS_KEPT

ENV_FILE = ".env"
EX_CONFIG = 78
"""The exit code for wrong settings, as in the BSD `sysexits.h`."""

DISCORD_API = "https://discord.com/api/v10"


class SettingsError(GamekeeperError):
    """The settings cannot be used. `str()` is the whole message for a person; no value is in it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(("The settings are not right:", *(f"  {problem}" for problem in problems))))
        self.problems = tuple(problems)


def _setting(name: str, description: str, example: str, **more: Any) -> Any:
    return Field(validation_alias=name, description=description, examples=[example], **more)


class Settings(BaseSettings):
    """What the owner of the machine decides; each field's description is its line in `.env.example`."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        env_file_encoding="utf-8-sig",
        arbitrary_types_allowed=True,
    )

    token: Annotated[SecretStr | None, values.from_text(values.token)] = _setting(
        "DISCORD_TOKEN",
        "The bot's token, from the application's Bot page. Keep it secret: who has it is the bot.",
        "paste-the-token-here",
        default=None,
    )
    guild_ids: Annotated[tuple[int, ...], NoDecode, values.from_text(values.snowflakes)] = _setting(
        "DISCORD_GUILD_IDS",
        "The Discord servers it works in, ids with commas between; it leaves others. Empty: any it is invited to.",
        "123456789012345678,234567890123456789",
        default=(),
    )
    owner_ids: Annotated[tuple[int, ...], NoDecode, values.from_text(values.snowflakes)] = _setting(
        "DISCORD_OWNER_IDS",
        "The Discord users who may do everything, ids with commas between. Empty: nobody may.",
        "123456789012345678",
        default=(),
    )
    alert_channel_id: Annotated[int | None, values.from_text(values.snowflake)] = _setting(
        "DISCORD_ALERT_CHANNEL_ID",
        "The channel where crashes are told, its id. Empty: nowhere.",
        "123456789012345678",
        default=None,
    )
    audit_channel_id: Annotated[int | None, values.from_text(values.snowflake)] = _setting(
        "DISCORD_AUDIT_CHANNEL_ID",
        "The channel where everything that people try is repeated, its id. Empty: nowhere; `/audit` shows it all.",
        "123456789012345678",
        default=None,
    )
    api_base: Annotated[str, values.from_text(values.api_base)] = _setting(
        "DISCORD_API_BASE",
        "Where Discord's API is; only of use behind a proxy of yours.",
        DISCORD_API,
        default=DISCORD_API,
    )
    data_dir: Annotated[Path, values.from_text(values.folder)] = _setting(
        "GAMEKEEPER_DATA_DIR",
        "The folder for the database and the logs. Empty: the usual one for this user.",
        "/var/lib/gamekeeper",
        default_factory=lambda: user_data_path("gamekeeper", appauthor=False),
    )
    locale: Annotated[Literal["en", "ko"], values.from_text(str.lower)] = _setting(
        "GAMEKEEPER_LOCALE",
        "The language where Discord does not tell one: en or ko.",
        "en",
        default="en",
    )
    timezone: Annotated[ZoneInfo, values.from_text(values.zone)] = _setting(
        "GAMEKEEPER_TIMEZONE",
        "The time zone of schedules and charts, an IANA name. Empty: the machine's own, or UTC.",
        "Asia/Seoul",
        default_factory=values.machine_zone,
    )
    sample_interval_s: float = _setting(
        "GAMEKEEPER_SAMPLE_INTERVAL_S",
        "Seconds between two measurements of every server, 1 to 3600.",
        "5",
        default=5.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
    )
    flush_interval_s: float = _setting(
        "GAMEKEEPER_FLUSH_INTERVAL_S",
        "Seconds that measurements wait in memory before they are written to disk, 1 to 300.",
        "10",
        default=10.0,
        ge=1,
        le=300,
        allow_inf_nan=False,
    )
    keep_raw_days: int = _setting(
        "GAMEKEEPER_KEEP_RAW_DAYS",
        "Days that every single measurement is kept, 1 to 36500.",
        "7",
        default=7,
        ge=1,
        le=36500,
    )
    keep_minute_days: int = _setting(
        "GAMEKEEPER_KEEP_MINUTE_DAYS",
        "Days that minutes are kept: lowest, highest and mean of each.",
        "90",
        default=90,
        ge=1,
        le=36500,
    )
    keep_ten_minute_days: int = _setting(
        "GAMEKEEPER_KEEP_TEN_MINUTE_DAYS",
        "Days that spans of ten minutes are kept, in the same way.",
        "365",
        default=365,
        ge=1,
        le=36500,
    )
    keep_hour_days: int | None = _setting(
        "GAMEKEEPER_KEEP_HOUR_DAYS",
        "Days that hours are kept, in the same way. Empty: for ever.",
        "3650",
        default=None,
        ge=1,
        le=36500,
    )
    backups_kept: int = _setting(
        "GAMEKEEPER_BACKUPS_KEPT",
        "How many backups of the database are kept, 1 to 365; one is made every day.",
        "7",
        default=BACKUPS_KEPT,
        ge=1,
        le=365,
    )
    http_bind: Annotated[Bind | None, values.from_text(values.bind)] = _setting(
        "GAMEKEEPER_HTTP_BIND",
        "Address and port for /healthz and /metrics, such as 127.0.0.1:9109. Empty: off.",
        "127.0.0.1:9109",
        default=None,
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], values.from_text(str.lower)] = _setting(
        "GAMEKEEPER_LOG_LEVEL",
        "How much is logged: debug, info, warning or error.",
        "info",
        default="info",
    )
    allowed_roots: Annotated[tuple[Path, ...], NoDecode, values.from_text(values.folders)] = _setting(
        "GAMEKEEPER_ALLOWED_ROOTS",
        "The folders where servers may live, absolute paths with commas between. Empty: anywhere the owner says.",
        r"D:\servers,E:\games" if sys.platform == "win32" else "/srv/games,/opt/games",
        default=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_given(cls, given: Mapping[str, object]) -> dict[str, object]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    def require_token(self) -> str:
        """Give the token, for the one command that logs in.

        Raises:
            SettingsError: there is none.
        """
        if self.token is None:
            raise SettingsError([_problem("DISCORD_TOKEN", "it is missing, and the bot cannot log in without it")])
        return self.token.get_secret_value()

    def secrets(self) -> tuple[str, ...]:
        """Give every value that must never be shown."""
        return (self.token.get_secret_value(),) if self.token else ()


EXAMPLES: Mapping[str, str] = {
    str(f.validation_alias): str((f.examples or [""])[0]) for f in Settings.model_fields.values()
}
"""A correct value for each variable."""


class _GivenSettings(Settings):
    """The same, with an eye on nothing but what it is given."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load_settings(env_file: Path = Path(ENV_FILE)) -> Settings:
    """Read the environment and `env_file`, which need not exist.

    Raises:
        SettingsError: something is wrong; its text names each variable, the fault and a correct example.
    """
    readable: Path | None = env_file
    try:
        problems = file_problems(env_file, EXAMPLES)
    except UnreadableFile as err:
        readable, problems = None, [str(err)]
    return _settings(Settings, {"_env_file": readable}, problems)


def given_settings(given: Mapping[str, str]) -> Settings:
    """Make settings from these variables alone, whatever the environment says.

    Raises:
        SettingsError: as `load_settings`.
    """
    return _settings(_GivenSettings, given, [])


def _settings(kind: type[Settings], arguments: Mapping[str, Any], problems: Sequence[str]) -> Settings:
    try:
        settings = kind(**arguments)
    except ValidationError as err:
        faults = err.errors(include_url=False, include_input=False)
        problems = [*problems, *(_problem(*_fault(fault)) for fault in faults)]
    else:
        if not problems:
            return settings
    # Raised out here, so that no traceback can lead from it to an exception that still holds the value.
    raise SettingsError(problems)


def warnings_for(settings: Settings, env_file: Path = Path(ENV_FILE)) -> list[str]:
    """Say what works but should not be left as it is."""
    found = []
    if settings.token is not None and readable_by_all(env_file):
        found.append(f"{env_file} can be read by every user of this machine. Run: chmod 600 {env_file}")
    if settings.http_bind is not None and not settings.http_bind.is_loopback:
        found.append("GAMEKEEPER_HTTP_BIND: whoever can reach this machine can read its health page. Use 127.0.0.1")
    return found


def readable_by_all(path: Path) -> bool:
    """Whether every user of this machine can read a file; on Windows nobody can tell by its mode."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _problem(name: str, fault: str) -> str:
    return f"{name}: {fault}. For example: {name}={EXAMPLES[name]}"


def _fault(error: ErrorDetails) -> tuple[str, str]:
    words = error["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    words = words.removesuffix(", unable to parse string as a number")
    return str(error["loc"][0]).upper(), words
