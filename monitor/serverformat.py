"""The format of a servers file: each table and key, what may stand there, and its default."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

_WEEK_S = 7 * 24 * 3600
_LARGEST_CODE = 0xFFFFFFFF
_LONGEST_PATTERN = 1_000
_MOST_CPUS = 4_096
ID_AT_MOST = 32
_ID = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{ID_AT_MOST - 1}}}")
_ENV_NAME = re.compile(r"[^=\x00]+")


def _an_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("it should be 1 to 32 of a-z, 0-9 and -, and not begin with -")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("it should not hold a NUL character")
    return value


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("it should be a line of text, not empty and without control characters")
    return value


def _a_host(value: str) -> str:
    if not value or not value.isprintable() or any(c.isspace() or c in "/@" for c in value):
        raise ValueError("it should be a host name or an address, such as 127.0.0.1")
    return value


def _a_password(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise ValueError("it should not be empty: games take no commands without a password")
    return value


def _a_relative_pattern(value: str) -> str:
    _no_nul(value)
    parts = value.replace("\\", "/").split("/")
    if parts[0] == "" or ":" in parts[0] or ".." in parts:
        raise ValueError("it should be a path inside the server's folder, such as world/level.dat")
    if all(part in ("", ".") for part in parts):
        raise ValueError("it should name a file, such as world/level.dat, and not the folder")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError("it should have ** only as a whole part of the path, as in world/**/*.dat")
    return value


def _a_pattern(value: str) -> str:
    if len(value) > _LONGEST_PATTERN:
        raise ValueError(f"it should be a regular expression of at most {_LONGEST_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except re.error as err:
        raise ValueError(f"it should be a regular expression: {err.msg}") from err
    except (OverflowError, RecursionError) as err:
        raise ValueError("it should be a simpler regular expression") from err
    return value


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
Argument = Annotated[str, AfterValidator(_no_nul)]
Host = Annotated[str, Field(max_length=253), AfterValidator(_a_host)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Inside = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_a_relative_pattern)]
"""A path, or a pattern of paths, below the server's folder."""
Wait = Annotated[float, Field(ge=0, le=_WEEK_S, allow_inf_nan=False)]
"""Seconds that may be none at all."""
Span = Annotated[float, Field(gt=0, le=_WEEK_S, allow_inf_nan=False)]
"""Seconds that must be some."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class AdminTable(_Table):
    host: Host
    port: Port
    password: Annotated[SecretStr, AfterValidator(_a_password)]


class QueryTable(_Table):
    host: Host
    port: Port


class ReadyTable(_Table):
    log: Annotated[str, Field(min_length=1), AfterValidator(_a_pattern)] | None = None
    timeout_s: Span | None = None


class StopTable(_Table):
    command: Line | None = None
    signal: Literal["SIGINT", "SIGTERM", "CTRL_BREAK_EVENT"] | None = None
    save: Line | None = None
    saved_log: Annotated[str, Field(min_length=1), AfterValidator(_a_pattern)] | None = None
    saved_file: Inside | None = None
    save_s: Wait | None = None
    polite_s: Wait | None = None
    terminate_s: Wait | None = None


class RestartTable(_Table):
    policy: Literal["never", "on-crash", "always"] = "on-crash"
    budget: Annotated[int, Field(ge=0, le=1_000)] = 5
    window_s: Span = 600.0
    backoff_s: Wait = 5.0
    backoff_max_s: Annotated[Wait, Field(validate_default=True)] = 300.0

    @field_validator("backoff_max_s")
    @classmethod
    def _not_under_the_first(cls, value: float, info: ValidationInfo) -> float:
        first = info.data.get("backoff_s", 0.0)
        if value < first:
            raise ValueError(f"it should be at least backoff_s, which is {first:g}")
        return value


class HangTable(_Table):
    probes: Annotated[int, Field(ge=0, le=1_000)] = 0
    interval_s: Span = 30.0
    restart: bool = False


class ServerEntry(_Table):
    """One `[[servers]]`."""

    id: Annotated[str, AfterValidator(_an_id)]
    name: Name
    game: Annotated[str, Field(validate_default=True)] = "generic"
    argv: Annotated[list[Argument], Field(min_length=1, max_length=1_000)]
    cwd: Annotated[str, Field(min_length=1), AfterValidator(_no_nul)]
    env: dict[str, Argument] = {}
    autostart: bool = False
    admin: AdminTable | None = None
    query: QueryTable | None = None
    ready: ReadyTable = ReadyTable()
    stop: StopTable = StopTable()
    clean_exit_codes: Annotated[list[Annotated[int, Field(ge=0, le=_LARGEST_CODE)]], Field(max_length=100)] | None = (
        None
    )
    restart: RestartTable = RestartTable()
    hang: HangTable = HangTable()
    priority: Literal["below-normal", "normal", "above-normal", "high"] = "normal"
    cpus: Annotated[list[Annotated[int, Field(ge=0, lt=_MOST_CPUS)]], Field(max_length=_MOST_CPUS)] = []

    @field_validator("game")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        known = sorted((info.context or {}).get("adapters", ()))
        if value not in known:
            raise ValueError(f"there is no such game here; the games are {', '.join(known)}")
        return value

    @field_validator("argv")
    @classmethod
    def _names_a_program(cls, value: list[str]) -> list[str]:
        if not value[0].strip():
            raise ValueError("its first entry should be the program to run")
        return value

    @field_validator("env")
    @classmethod
    def _usable_names(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not all(_ENV_NAME.fullmatch(name) for name in value):
            raise ValueError("a variable's name should not be empty, and hold no = and no NUL character")
        if any(name.upper() == "GAMEKEEPER_RUN" for name in value):
            raise ValueError("GAMEKEEPER_RUN is set by gamekeeper itself")
        return value


class File(_Table):
    servers: Annotated[list[ServerEntry], Field(min_length=1)]


TABLES: Mapping[str, type[BaseModel]] = {
    "servers": ServerEntry,
    "admin": AdminTable,
    "query": QueryTable,
    "ready": ReadyTable,
    "stop": StopTable,
    "restart": RestartTable,
    "hang": HangTable,
}
"""Each table of the format by the key under which it stands."""


def in_words(error: ErrorDetails) -> str:
    """Say what would be right. Pydantic's own words are plain, and quote no value."""
    if error["type"] == "missing":
        return "it is missing"
    said = error["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    return said.removesuffix(", unable to interpret input")
