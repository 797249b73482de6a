from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import values
from bot.settings import DISCORD_API, EXAMPLES, Settings, SettingsError, given_settings, load_settings, warnings_for
from bot.values import Bind

CANARY = "canary.SECRET-0f3a.value"
ROOT = Path(__file__).parents[2]
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("DISCORD_", "GAMEKEEPER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def message(given: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        given_settings(given)
    return str(caught.value)


def test_nothing_at_all_gives_the_defaults() -> None:
    settings = load_settings()
    assert settings.token is None
    assert settings.guild_ids == settings.owner_ids == ()
    assert settings.allowed_roots == ()
    assert settings.api_base == DISCORD_API
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "gamekeeper"
    assert isinstance(settings.timezone, ZoneInfo)
    assert (settings.sample_interval_s, settings.flush_interval_s) == (5, 10)
    assert settings.http_bind is None
    assert (settings.locale, settings.log_level) == ("en", "info")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        pytest.param("DISCORD_OWNER_IDS", "1, 22 ,,1", "owner_ids", (1, 22), id="ids-with-spaces-and-a-double"),
        pytest.param("DISCORD_GUILD_IDS", "  ", "guild_ids", (), id="blank-is-none"),
        pytest.param("DISCORD_ALERT_CHANNEL_ID", "9", "alert_channel_id", 9, id="channel"),
        pytest.param(
            "DISCORD_API_BASE", "http://127.0.0.1:80/api/", "api_base", "http://127.0.0.1:80/api", id="base"
        ),
        pytest.param("GAMEKEEPER_LOCALE", "KO", "locale", "ko", id="locale-any-case"),
        pytest.param("GAMEKEEPER_TIMEZONE", "Asia/Seoul", "timezone", ZoneInfo("Asia/Seoul"), id="zone"),
        pytest.param("GAMEKEEPER_SAMPLE_INTERVAL_S", "1", "sample_interval_s", 1.0, id="fastest"),
        pytest.param("GAMEKEEPER_FLUSH_INTERVAL_S", "300", "flush_interval_s", 300.0, id="slowest"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "127.0.0.1:9109", "http_bind", Bind("127.0.0.1", 9109), id="bind"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "[::1]:0", "http_bind", Bind("::1", 0), id="bind-ipv6"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "", "http_bind", None, id="bind-off"),
        pytest.param("GAMEKEEPER_LOG_LEVEL", "Debug", "log_level", "debug", id="level-any-case"),
    ],
)
def test_each_kind_of_value_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(given_settings({name: text}), field) == value


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_a_home_folder_that_nobody_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "expanduser", lambda _path: _no_home())
    assert "this user has no home folder" in message({"GAMEKEEPER_DATA_DIR": "~/x"})


def _no_zone() -> ZoneInfo:
    raise LookupError("Can not find any timezone configuration")


@pytest.mark.parametrize(
    "found", [_no_zone, lambda: dt.timezone(dt.timedelta(hours=9))], ids=["none", "one-without-a-name"]
)
def test_a_machine_without_a_named_zone_is_taken_for_utc(
    monkeypatch: pytest.MonkeyPatch, found: Callable[[], dt.tzinfo]
) -> None:
    monkeypatch.setattr(values, "get_localzone", found)
    assert given_settings({}).timezone == ZoneInfo("UTC")


def test_folders_are_made_absolute(tmp_path: Path) -> None:
    settings = given_settings({"GAMEKEEPER_DATA_DIR": "here", "GAMEKEEPER_ALLOWED_ROOTS": f"{tmp_path},~"})
    assert settings.data_dir == tmp_path / "here"
    assert settings.allowed_roots == (tmp_path, Path.home())


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        pytest.param("DISCORD_TOKEN", "123456789012345678", "an id, not a token", id="application-id-as-token"),
        pytest.param("DISCORD_TOKEN", "Bot abc.def.ghi", "bare token", id="token-with-scheme"),
        pytest.param("DISCORD_GUILD_IDS", "1,my server", "entry 2", id="guild-name"),
        pytest.param("DISCORD_OWNER_IDS", "0", "entry 1", id="id-zero"),
        pytest.param("DISCORD_OWNER_IDS", str(2**64), "entry 1", id="id-too-large"),
        pytest.param("DISCORD_OWNER_IDS", "９", "entry 1", id="wide-digit"),
        pytest.param("DISCORD_ALERT_CHANNEL_ID", "#alerts", "not a Discord id", id="channel-name"),
        pytest.param("DISCORD_API_BASE", "discord.com", "http or https", id="base-without-scheme"),
        pytest.param("DISCORD_API_BASE", "http://[", "http or https", id="base-half-an-address"),
        pytest.param("DISCORD_API_BASE", "http://h:99999", "http or https", id="base-port"),
        pytest.param("GAMEKEEPER_DATA_DIR", "a\x00b", "not a path", id="nul-in-folder"),
        pytest.param("GAMEKEEPER_LOCALE", "fr", "'en' or 'ko'", id="locale"),
        pytest.param("GAMEKEEPER_TIMEZONE", "Mars/Base", "no such time zone", id="zone"),
        pytest.param("GAMEKEEPER_TIMEZONE", "../../etc/passwd", "no such time zone", id="zone-escape"),
        pytest.param("GAMEKEEPER_SAMPLE_INTERVAL_S", "0.5", "greater than or equal to 1", id="too-often"),
        pytest.param("GAMEKEEPER_SAMPLE_INTERVAL_S", "nan", "finite number", id="not-a-number"),
        pytest.param("GAMEKEEPER_FLUSH_INTERVAL_S", "301", "less than or equal to 300", id="too-seldom"),
        pytest.param("GAMEKEEPER_FLUSH_INTERVAL_S", "ten", "a valid number", id="words"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "9109", "an address and a port", id="bind-port-only"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "127.0.0.1:70000", "port", id="bind-port"),
        pytest.param("GAMEKEEPER_HTTP_BIND", "127.0.0.1:" + "0" * 9 + "70000", "port", id="bind-port-zeros"),
        pytest.param("DISCORD_GUILD_IDS", "0" * 21 + "9" * 21, "not a Discord id", id="id-zeros"),
        pytest.param("GAMEKEEPER_LOG_LEVEL", "loud", "'debug', 'info'", id="level"),
        pytest.param("GAMEKEEPER_ALLOWED_ROOTS", "games", "entry 1 is not an absolute path", id="relative-root"),
    ],
)
def test_a_wrong_value_is_told_by_name_fault_and_example(name: str, text: str, fault: str) -> None:
    said = message({name: text})
    assert f"  {name}: " in said
    assert fault in said
    assert said.endswith(f"For example: {name}={EXAMPLES[name]}")


def test_all_wrong_values_are_told_in_one_message() -> None:
    said = message({"GAMEKEEPER_LOCALE": "fr", "GAMEKEEPER_HTTP_BIND": "x", "DISCORD_OWNER_IDS": "me"})
    assert re.findall(r"^  (\w+):", said, re.MULTILINE) == [
        "DISCORD_OWNER_IDS",
        "GAMEKEEPER_LOCALE",
        "GAMEKEEPER_HTTP_BIND",
    ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_every_error_is_itself_right(name: str) -> None:
    given_settings({name: EXAMPLES[name]})


def test_the_environment_wins_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("GAMEKEEPER_LOCALE=ko\nGAMEKEEPER_HTTP_BIND=127.0.0.1:1\nDISCORD_OWNER_IDS=7\n")
    monkeypatch.setenv("GAMEKEEPER_LOCALE", "en")
    monkeypatch.setenv("GAMEKEEPER_HTTP_BIND", "")
    settings = load_settings()
    assert (settings.locale, settings.http_bind, settings.owner_ids) == ("en", None, (7,))


def test_given_settings_look_at_no_environment(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("GAMEKEEPER_LOCALE=ko\n")
    monkeypatch.setenv("DISCORD_TOKEN", "abc")
    settings = given_settings({})
    assert (settings.locale, settings.token) == ("en", None)


def test_fault_50_a_byte_order_mark_and_crlf_are_no_fault(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfGAMEKEEPER_LOCALE=ko\r\n# \xea\xb0\x80\r\nDISCORD_OWNER_IDS='5'\r\n")
    settings = load_settings()
    assert (settings.locale, settings.owner_ids) == ("ko", (5,))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"# x\nGAMEKEEPER_LOCAL=ko\n", "line 2: there is no setting GAMEKEEPER_LOCAL.", id="misspelt"),
        pytest.param(b"GAMEKEEPER_LOCAL=ko\n", "Did you mean GAMEKEEPER_LOCALE?", id="likely"),
        pytest.param(b"DICSORD_TOKEN=x\n", "Did you mean DISCORD_TOKEN?", id="misspelt-prefix"),
        pytest.param(b"GAMEKEEPER_QQQQ=1\n", "there is no setting GAMEKEEPER_QQQQ. .env.example", id="unlikely"),
        pytest.param(b"A=1\n'oops\n", "line 2: it is not NAME=value", id="not-a-setting"),
        pytest.param(b"GAMEKEEPER_LOCALE\n", "line 1: it is not NAME=value", id="no-value"),
        pytest.param("GAMEKEEPER_LOCALE=ko".encode("utf-16"), "it is not UTF-8 text", id="utf-16"),
    ],
)
def test_fault_50_what_the_file_says_in_vain_is_told(env_file: Path, content: bytes, said: str) -> None:
    env_file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value)
    assert str(env_file.name) in str(caught.value)


def test_other_programs_lines_in_the_file_are_let_be(env_file: Path) -> None:
    env_file.write_text("POSTGRES_URL=x\nexport EDITOR\n")
    assert load_settings().locale == "en"


def test_a_folder_in_the_files_place_is_told(env_file: Path) -> None:
    env_file.mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()


def test_a_token_is_asked_for_only_by_who_needs_it() -> None:
    with pytest.raises(SettingsError, match="DISCORD_TOKEN: it is missing"):
        given_settings({}).require_token()
    assert given_settings({"DISCORD_TOKEN": CANARY}).require_token() == CANARY


def test_fault_64_a_good_token_shows_nowhere_but_where_it_is_asked_for() -> None:
    settings = given_settings({"DISCORD_TOKEN": CANARY})
    assert (
        CANARY
        not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json(exclude={'timezone'})}"
    )
    assert settings.secrets() == (CANARY,)
    assert given_settings({}).secrets() == ()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_fault_64_a_secret_on_the_wrong_line_is_not_quoted(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        given_settings({name: f"Bot {CANARY}\x00", "GAMEKEEPER_FLUSH_INTERVAL_S": CANARY})
    told = caught.value
    assert CANARY not in f"{told!r} {told.problems} {''.join(traceback.format_exception(told))}"
    assert told.__cause__ is None
    assert told.__context__ is None


@pytest.mark.parametrize(
    "line", [f"DISCORD_TOKEN: {CANARY}", f"DISCORD_TOKEN:{CANARY}", f"DISCORD_{CANARY}=", CANARY]
)
def test_fault_64_a_secret_on_a_broken_line_is_not_quoted(env_file: Path, line: str) -> None:
    env_file.write_text(f"{line}\nGAMEKEEPER_LOCALE=fr\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert CANARY.lower() not in str(caught.value).lower()


@posix_only
def test_fault_51_a_token_for_all_to_read_is_warned_of_and_not_echoed(env_file: Path) -> None:
    env_file.write_text(f"DISCORD_TOKEN={CANARY}\n")
    env_file.chmod(0o644)
    (warning,) = warnings_for(load_settings(), env_file)
    assert f"chmod 600 {env_file}" in warning
    assert CANARY not in warning
    env_file.chmod(0o600)
    assert warnings_for(load_settings(), env_file) == []


def test_no_file_is_nothing_to_warn_of(env_file: Path) -> None:
    assert warnings_for(given_settings({"DISCORD_TOKEN": CANARY}), env_file) == []


@pytest.mark.parametrize(
    ("bind", "count"), [("127.0.0.1:1", 0), ("localhost:1", 0), ("[::1]:1", 0), ("0.0.0.0:1", 1), ("10.0.0.2:1", 1)]
)
def test_a_health_page_for_everybody_is_warned_of(bind: str, count: int, env_file: Path) -> None:
    assert len(warnings_for(given_settings({"GAMEKEEPER_HTTP_BIND": bind}), env_file)) == count


@given(st.dictionaries(st.sampled_from(sorted(EXAMPLES)), st.text(max_size=40)))
def test_fault_50_any_text_is_taken_or_refused_in_words(texts: dict[str, str]) -> None:
    told: tuple[str, ...] = ()
    with contextlib.suppress(SettingsError):
        assert given_settings(texts).sample_interval_s >= 1
        return
    with pytest.raises(SettingsError) as caught:
        given_settings(texts)
    told = caught.value.problems
    assert {problem.split(":")[0] for problem in told} <= texts.keys()


def _documented() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return {name: comment for comment, name in re.findall(r"^# (.+)\n(\w+)=", text, re.MULTILINE)}


def test_every_setting_is_explained_in_the_example_file_and_no_other() -> None:
    described = {str(f.validation_alias): f.description for f in Settings.model_fields.values()}
    assert _documented() == described


def test_the_example_file_loads_as_it_stands() -> None:
    settings = load_settings(ROOT / ".env.example")
    assert settings.token is None
    assert settings.api_base == DISCORD_API
