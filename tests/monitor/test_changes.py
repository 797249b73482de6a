from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.changes import changes, described, masked, secrets_in
from monitor.redaction import Redaction
from monitor.spec import AdminEndpoint, ReadyPolicy, Secret, ServerSpec
from tests.fakes.house import spec_of

CANARY = "canary-55d0"
SECRETIVE = spec_of(
    admin=AdminEndpoint("127.0.0.1", 25575, Secret(CANARY)),
    env={"API": CANARY},
    argv=("run", "-adminpassword", CANARY),
)

COMMANDS = {
    "plain": (["java", "-jar", "server.jar"], ["java", "-jar", "server.jar"]),
    "next_word": (["x", "-password", CANARY, "-port", "1"], ["x", "-password", "***", "-port", "1"]),
    "plus": (["x", "+rcon.password", CANARY], ["x", "+rcon.password", "***"]),
    "two_dashes": (["x", "--admin-token", CANARY], ["x", "--admin-token", "***"]),
    "assigned": (["x", f"-adminPassword={CANARY}"], ["x", "-adminPassword=***"]),
    "ark": ([f"Map?ServerAdminPassword={CANARY}?Port=1"], ["Map?ServerAdminPassword=***?Port=1"]),
    "short": (["x", "-pass", CANARY, "--api-key", CANARY], ["x", "-pass", "***", "--api-key", "***"]),
    "steam": (["x", "+sv_setsteamaccount", CANARY], ["x", "+sv_setsteamaccount", "***"]),
    "quake": (["x", "+set", "rcon_password", CANARY], ["x", "+set", "rcon_password", "***"]),
    "colon_apart": (["x", "-password:", CANARY], ["x", "-password:", "***"]),
    "blank_inside": ([f"-adminPassword=my {CANARY}", "x"], ["-adminPassword=***", "x"]),
    "signs_inside": ([f"-ServerPassword=a?b&{CANARY}"], ["-ServerPassword=***"]),
    "blank_in_ark": ([f"Map?ServerPassword=a {CANARY}?Port=1"], ["Map?ServerPassword=***?Port=1"]),
    "quoted": ([f'-password="a {CANARY}"'], ["-password=***"]),
    "shell": (["sh", "-c", f"./x -password {CANARY} -port 1"], ["sh", "-c", "./x -password *** -port 1"]),
    "shell_variable": (["sh", "-c", f"RCON_PASSWORD={CANARY} ./x"], ["sh", "-c", "RCON_PASSWORD=***"]),
    "address": (["x", f"mysql://me:{CANARY}@db/x"], ["x", "mysql://me:***@db/x"]),
    "json": (["x", f'--cfg={{"password":"{CANARY}"}}'], ["x", '--cfg={"password":"***"}']),
    "other_words": (["x", "-bypass", "on", "-passengers", "5"], ["x", "-bypass", "on", "-passengers", "5"]),
    "nothing_assigned": (
        ["Map?ServerPassword= ?Port=1", "-password="],
        ["Map?ServerPassword=***?Port=1", "-password="],
    ),
    "at_the_end": (["x", "-password"], ["x", "-password"]),
    "program": (["/opt/password-tool", "x"], ["/opt/password-tool", "x"]),
}


@pytest.mark.parametrize(("argv", "shown"), COMMANDS.values(), ids=COMMANDS.keys())
def test_fault_64_passwords_in_a_command_are_masked(argv: list[str], shown: list[str]) -> None:
    assert list(masked(argv)) == shown


ALONE = ("next_word", "assigned", "ark", "short", "steam", "quake", "colon_apart", "shell", "shell_variable")


@pytest.mark.parametrize("argv", [COMMANDS[key][0] for key in (*ALONE, "address", "json")])
def test_fault_64_what_is_masked_in_a_command_is_hidden_everywhere(argv: list[str]) -> None:
    redaction = Redaction(secrets_in(spec_of(argv=tuple(argv))))
    assert CANARY not in redaction.text(f"a log that says {CANARY}.")


def test_fault_64_the_password_in_the_address_of_a_variable_is_found() -> None:
    spec = spec_of(env={"DATABASE": f"mysql://me:{CANARY}@db/x", "WORLD": "-password", "MAP": "Island"})
    assert set(secrets_in(spec)) == {CANARY}


@pytest.mark.parametrize("word", ["-" * 4000, "-pass" * 800, "password" * 500, "://" * 1300, "token " * 700])
def test_a_long_command_is_looked_through_at_once(word: str) -> None:
    began_s = time.process_time()
    masked(["x", word])
    assert time.process_time() - began_s < 1


def test_a_description_says_what_was_said() -> None:
    told = described(spec_of("ark", ready=ReadyPolicy(log="Done")))
    assert told["id"] == "ark"
    assert told["argv"] == '["run", "--fast"]'
    assert told["cwd"] == str(Path("/srv"))
    assert told["ready.log"] == "Done"
    assert told["restart.policy"] == "on-crash"
    assert "ready.timeout_s" not in told
    assert "admin.host" not in told


def test_what_changed_is_told_key_by_key() -> None:
    before = spec_of("ark")
    after = replace(before, name="New", autostart=True, ready=ReadyPolicy(timeout_s=5.0))
    assert changes(before, after) == ("name: Ark → New", "autostart: false → true", "ready.timeout_s: – → 5.0")
    assert changes(before, before) == ()


def test_fault_64_a_new_password_is_told_and_not_shown() -> None:
    after = replace(SECRETIVE, admin=AdminEndpoint("127.0.0.1", 25575, Secret("canary-other")))
    assert changes(SECRETIVE, after) == ("admin.password: ***, changed",)


@pytest.mark.parametrize("pair", [(None, SECRETIVE), (SECRETIVE, None), (spec_of(), SECRETIVE)])
def test_fault_64_no_secret_is_in_what_changed(pair: tuple[ServerSpec | None, ServerSpec | None]) -> None:
    told = changes(*pair)
    assert any(line.startswith("admin.password: ") for line in told)
    assert CANARY not in "\n".join(told)


SPECS = st.builds(ServerSpec, cwd=st.just(Path("/srv")), argv=st.tuples(st.text(max_size=3)))


@settings(max_examples=100)
@given(SPECS, SPECS)
def test_two_descriptions_differ_where_something_is_told(one: ServerSpec, other: ServerSpec) -> None:
    assert bool(changes(one, other)) is (one != other)


def test_fault_64_every_secret_of_a_description_is_found() -> None:
    spec = replace(
        SECRETIVE,
        env={"TZ": "UTC", "RCON_PASSWORD": "canary-env", "My_Token": "canary-token"},
        argv=("run", "-password", "canary-option", "map?ServerPassword=canary-assigned?MaxPlayers=8", "--fast"),
    )
    assert spec.admin is not None
    assert set(secrets_in(spec)) == {
        spec.admin.password.reveal(), "canary-env", "canary-token", "canary-option", "canary-assigned",
    }  # fmt: skip
    assert list(secrets_in(spec_of())) == []
