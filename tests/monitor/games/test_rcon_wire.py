from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import CommandRejected, GameFault, GameUnavailable, RejectedBecause
from monitor.games.rcon_wire import (
    MAX_REPLY_BYTES,
    MINECRAFT_COMMAND_BYTES,
    Packet,
    command_bytes,
    decode,
    encode,
    payload_length,
    reply_text,
)


def test_a_packet_is_laid_out_as_valve_says() -> None:
    assert encode(Packet(1, 3, b"pw")) == b"\x0c\0\0\0" + b"\x01\0\0\0" + b"\x03\0\0\0" + b"pw\0\0"


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=5000),
)
def test_what_is_encoded_is_decoded(request_id: int, packet_type: int, body: bytes) -> None:
    wire = encode(Packet(request_id, packet_type, body))
    assert payload_length(wire[:4]) == len(wire) - 4
    assert decode(wire[4:]) == Packet(request_id, packet_type, body)


@pytest.mark.parametrize("length", [-(2**31), -5, 0, 9, MAX_REPLY_BYTES + 1, 2**31 - 1])
def test_fault_22_a_length_no_packet_has_is_an_error(length: int) -> None:
    with pytest.raises(GameUnavailable) as caught:
        payload_length(length.to_bytes(4, "little", signed=True))
    assert caught.value.fault is GameFault.PROTOCOL


@given(st.binary(max_size=64))
def test_fault_22_bytes_that_end_as_a_packet_does_decode_and_others_are_an_error(payload: bytes) -> None:
    if len(payload) >= 10 and payload.endswith(b"\0\0"):
        assert encode(decode(payload))[4:] == payload
    else:
        with pytest.raises(GameUnavailable):
            decode(payload)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", RejectedBecause.EMPTY, id="empty"),
        pytest.param("   ", RejectedBecause.EMPTY, id="blank"),
        pytest.param("say hi\nstop", RejectedBecause.CONTROL_CHARACTER, id="newline"),
        pytest.param("say hi\rstop", RejectedBecause.CONTROL_CHARACTER, id="carriage return"),
        pytest.param("say hi\0stop", RejectedBecause.CONTROL_CHARACTER, id="NUL"),
        pytest.param("say hi\x85stop", RejectedBecause.CONTROL_CHARACTER, id="next line"),
        pytest.param("say hi\u2028stop", RejectedBecause.CONTROL_CHARACTER, id="line separator"),
        pytest.param("say \ud800", RejectedBecause.CONTROL_CHARACTER, id="lone surrogate"),
        pytest.param("x" * 1414, RejectedBecause.TOO_LONG, id="a byte too long"),
        pytest.param("한" * 472, RejectedBecause.TOO_LONG, id="too long in bytes, not in characters"),
    ],
)
def test_fault_26_a_command_is_refused_with_the_reason(text: str, reason: RejectedBecause) -> None:
    with pytest.raises(CommandRejected) as caught:
        command_bytes(text, MINECRAFT_COMMAND_BYTES)
    assert caught.value.reason is reason


def test_fault_26_too_long_says_what_would_have_been_taken() -> None:
    with pytest.raises(CommandRejected) as caught:
        command_bytes("x" * 20, 10)
    assert caught.value.limit == 10


@pytest.mark.parametrize("text", ["x" * 1413, "한" * 471, "say 안녕 🎮", "tellraw @a {}"])
def test_a_command_inside_the_limit_is_sent_as_it_is(text: str) -> None:
    assert command_bytes(text, MINECRAFT_COMMAND_BYTES).decode() == text


def test_fault_24_a_character_cut_between_packets_is_whole() -> None:
    cut = "온라인".encode()
    assert reply_text([cut[:4], cut[4:]]) == "온라인"


def test_fault_24_invalid_bytes_are_replaced() -> None:
    assert reply_text([b"ok \xff\xfe", b"!"]) == "ok ��!"
