"""Previews, sheets and lists: everything is there, nothing secret, and no name breaks them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import discord
import pytest

from cogs.locale.catalogue import catalogue
from cogs.render.descriptions import CAVEATS, PER_PAGE, import_preview, listing, preview, saved, sheet
from cogs.render.limits import CONTENT, TOTAL, total
from cogs.render.text import length
from monitor.errors import GameFileError, Problem
from monitor.games.own_files import Caveat, OwnSettings
from monitor.model import Server
from monitor.spec import AdminEndpoint, Endpoint, Secret, ServerSpec
from tests.fakes.house import spec_of

CANARY = "canary-91ab-password"
EN = catalogue("en")
ADMIN = AdminEndpoint("127.0.0.1", 25575, Secret(CANARY))
OWN = OwnSettings(
    "minecraft", Path("/srv/mc/server.properties"), ADMIN, Endpoint("127.0.0.1", 25565), caveats=tuple(Caveat)
)
SECRETIVE = spec_of(
    "ark", name="@everyone **Ark**", admin=ADMIN, env={"KEY": CANARY}, argv=("run", f"?ServerPassword={CANARY}?x")
)
HUGE = replace(
    SECRETIVE, name="\u0336ź" * 50, argv=("x" * 900, *["y" * 500] * 20), env={f"K{n}": "v" for n in range(300)}
)


def text(embed: discord.Embed) -> str:
    fields = [f"{field.name}\n{field.value}" for field in embed.fields]
    return "\n".join([embed.title or "", embed.description or "", *fields])


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("spec", [SECRETIVE, HUGE], ids=["secretive", "huge"])
def test_fault_49_64_nothing_secret_is_shown_and_everything_fits(spec: ServerSpec, locale: str) -> None:
    words = catalogue(locale)
    later = Server(spec, next_spec=replace(spec, argv=("run", "-password", CANARY)))
    for embed in (preview(spec, OWN, words), sheet(Server(spec), OWN, words), sheet(later, None, words)):
        assert CANARY not in text(embed)
        assert "@everyone" not in (embed.title or "")
        assert total(embed) <= TOTAL
    shown = import_preview([(None, spec), (spec, replace(spec, cwd=Path("/x")))], (), (), words)
    assert CANARY not in shown
    assert length(shown) <= CONTENT


def test_every_caveat_says_what_to_do_or_what_is_done() -> None:
    told = text(preview(SECRETIVE, OWN, EN))
    assert set(CAVEATS) == set(Caveat)
    assert all(words in told for words in CAVEATS.values())


def test_a_game_file_that_is_wrong_is_named() -> None:
    wrong = GameFileError("/srv/mc/server.properties", (Problem(1, "rcon.port", "x"),))
    assert "server.properties cannot be understood" in text(preview(SECRETIVE, wrong, EN)).replace("\\", "")
    assert "cannot be understood" in text(sheet(Server(SECRETIVE), wrong, EN))


def test_a_guessed_game_without_an_adapter_is_said_beside_generic() -> None:
    assert "generic (minecraft)" in text(preview(SECRETIVE, OWN, EN))
    assert "(minecraft)" not in text(preview(replace(SECRETIVE, game="minecraft"), OWN, EN))


def test_the_list_has_so_many_on_a_page() -> None:
    servers = [Server(spec_of(f"s-{number:02}")) for number in range(PER_PAGE + 1)]
    assert len(listing(servers, 0, EN).fields) == PER_PAGE
    assert "s-10" in text(listing(servers, 1, EN))
    assert "/server add" in text(listing([], 0, EN))


def test_a_change_says_when_it_counts() -> None:
    up = Server(SECRETIVE, next_spec=replace(SECRETIVE, argv=("x",)))
    assert "from its next start on" in saved(up, ["argv: a → b"], EN)
    assert "next start" not in saved(Server(SECRETIVE), ["argv: a → b"], EN)
    assert "nothing was changed" in saved(Server(SECRETIVE), [], EN)


def test_an_import_tells_new_changed_same_and_left_out() -> None:
    spec = spec_of("ark")
    pairs = [(None, spec_of("rust")), (spec, replace(spec, name="New")), (spec, spec)]
    shown = import_preview(pairs, (Problem(None, "[0].webhook", "no server of ours has it"),), (), EN)
    for part in ("+ rust: Rust", "~ ark: New", "    name: Ark → New", "= ark: Ark", "! [0].webhook: no server"):
        assert part in shown
    assert "folder" not in shown


def test_an_import_tells_whose_folder_is_not_there() -> None:
    missing = [spec_of(f"server-{n}") for n in range(7)]
    shown = import_preview([], (), missing, EN)
    assert "The folder is not there: `server-0` · `server-1`" in shown
    assert "`server-5`" not in shown
    assert "… and 2 more" in shown
