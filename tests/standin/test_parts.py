"""The parts of the stand-in that no discord.py is needed for."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from typing import Any

import aiohttp
import pytest

from tests.standin.codec import packer
from tests.standin.commands import Commands, typed
from tests.standin.message import breaches, pings
from tests.standin.record import matches
from tests.standin.server import StandIn


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/channels/*/messages", "/channels/1/messages", True),
        ("/channels/*/messages", "/channels/1/messages/2", False),
        ("/channels/*", "/channels/1/messages", False),
        ("/channels/**", "/channels/1/messages", True),
        ("**", "/anything/at/all", True),
        ("/users/@me", "/users/@me", True),
        ("/a.b", "/axb", False),
    ],
)
def test_paths_match_their_patterns(pattern: str, path: str, *, fits: bool) -> None:
    assert matches(pattern, path) is fits


def test_a_plain_connection_gets_text() -> None:
    assert packer(None)('{"op":10}') == '{"op":10}'


def test_zlib_is_one_stream_of_flushed_messages() -> None:
    pack, stream = packer("zlib-stream"), zlib.decompressobj()
    packed = [pack("first"), pack("second")]
    assert all(isinstance(p, bytes) and p.endswith(b"\x00\x00\xff\xff") for p in packed)
    assert [stream.decompress(p) for p in packed if isinstance(p, bytes)] == [b"first", b"second"]


@pytest.mark.skipif(
    find_spec("zstandard") is None, reason="zstandard is not installed: discord.py does not ask for zstd here either"
)
def test_zstd_is_one_stream_of_flushed_messages() -> None:
    zstandard = pytest.importorskip("zstandard")
    pack, stream = packer("zstd-stream"), zstandard.ZstdDecompressor().decompressobj()
    assert [stream.decompress(pack(text)) for text in ("first", "second")] == [b"first", b"second"]


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(LookupError):
        packer("brotli")


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [
        (None, ("@everyone", "<@1>", "<@&2>")),
        ({"parse": []}, ()),
        ({"parse": ["everyone"]}, ("@everyone",)),
        ({"parse": ["users"]}, ("<@1>",)),
        ({"parse": [], "roles": ["2"]}, ("<@&2>",)),
        ({"parse": [], "roles": ["1"], "users": ["2"]}, ()),
    ],
    ids=str,
)
def test_allowed_mentions_decide_who_is_pinged(allowed: dict[str, Any] | None, pinged: tuple[str, ...]) -> None:
    assert pings("@everyone <@1> <@&2>", allowed) == pinged


FIELD = {"name": "n", "value": "v"}


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        ({"content": "x" * 2000, "embeds": [{"title": "x" * 256, "fields": [FIELD] * 25}]}, 0),
        ({"content": "x" * 2001}, 1),
        ({"embeds": [{}] * 11}, 1),
        ({"embeds": [{"fields": [FIELD] * 26}]}, 1),
        ({"embeds": [{"fields": [{"name": "x" * 257, "value": "x" * 1025}]}]}, 2),
        ({"embeds": [{"author": {"name": "x" * 257}, "footer": {"text": "x" * 2049}}]}, 2),
        ({"embeds": [{"description": "x" * 4096}, {"description": "x" * 1905}]}, 1),
    ],
    ids=["at the limit", "content", "embeds", "fields", "field", "author and footer", "in all"],
)
def test_the_limits_of_a_message(body: dict[str, Any], broken: int) -> None:
    assert len(breaches(body)) == broken


SERVER = {
    "name": "server",
    "options": [{"name": "add", "type": 1, "options": [{"name": "lines", "type": 4, "required": True}]}],
}


def test_a_subcommand_nests_its_options_with_their_types() -> None:
    (step,) = typed(SERVER, ["add"], {"lines": 3}).options
    assert step == {"name": "add", "type": 1, "options": [{"name": "lines", "type": 4, "value": 3}]}


def test_a_required_option_must_be_there_unless_one_is_being_typed() -> None:
    with pytest.raises(LookupError, match="lines"):
        typed(SERVER, ["add"], {})
    (step,) = typed(SERVER, ["add"], {"lines": 3}, focused="lines").options
    assert step["options"][0]["focused"] is True


def test_an_overwrite_keeps_ids_by_name_and_guild_commands_come_first() -> None:
    commands = Commands(1, iter(range(100, 200)).__next__)
    (first,) = commands.overwrite(None, [{"name": "status"}])
    (again, _) = commands.overwrite(None, [{"name": "status"}, {"name": "stop"}])
    assert first["id"] == again["id"]
    local = commands.add(7, {"name": "status"})
    assert (commands.find(7, "status"), commands.find(8, "status")) == (local, again)
    commands.remove(7, local["id"])
    assert commands.find(7, "status") == again


async def test_an_attachment_is_served_from_loopback(standin: StandIn) -> None:
    upload = standin.upload("a.txt", b"bytes")
    async with aiohttp.ClientSession() as http:
        async with http.get(upload.url) as answer:
            assert await answer.read() == b"bytes"
        async with http.get(f"{standin.origin}/attachments/0/1/none.txt") as answer:
            assert answer.status == 404


async def test_json_goes_out_under_the_bare_content_type_and_the_gateway_is_named(standin: StandIn) -> None:
    headers = {"Authorization": f"Bot {standin.token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{standin.base}/gateway/bot") as answer:
        assert answer.headers["Content-Type"] == "application/json"
        assert (await answer.json())["url"] == standin.gateway_url


async def test_whoever_has_no_token_is_refused(standin: StandIn) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{standin.base}/users/@me") as answer:
        assert answer.status == 401
    assert [(request.authorized, request.status) for request in standin.requests] == [(False, 401)]
