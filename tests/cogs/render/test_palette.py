from __future__ import annotations

import colorsys

import pytest

from cogs.render.palette import EVENTS, STATES, VERDICTS, Look
from monitor.events import EVENT_TYPES
from monitor.model import State, Verdict

# Machado, Oliveira and Fernandes (2009), severity 1: linear RGB as people without one kind of cone see it.
BLINDNESS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def rgb(look: Look) -> tuple[float, ...]:
    return tuple(((look.colour >> shift) & 0xFF) / 255 for shift in (16, 8, 0))


def seen(look: Look, kind: str) -> list[float]:
    return [sum(weight * part for weight, part in zip(row, rgb(look), strict=True)) for row in BLINDNESS[kind]]


def test_every_state_verdict_and_alert_has_a_look() -> None:
    assert set(STATES) == set(State)
    assert set(VERDICTS) == set(Verdict)
    assert set(EVENTS) == {kind for kind, event in EVENT_TYPES.items() if event.alerts}


def test_no_two_states_share_an_icon() -> None:
    icons = [look.icon for look in STATES.values()]
    assert len(set(icons)) == len(icons)


@pytest.mark.parametrize("kind", list(BLINDNESS))
def test_up_and_failed_differ_for_the_colour_blind(kind: str) -> None:
    up, failed = seen(STATES[State.RUNNING], kind), seen(STATES[State.FAILED], kind)
    assert sum((a - b) ** 2 for a, b in zip(up, failed, strict=True)) ** 0.5 > 0.25


def test_colours_stand_out_from_discords_dark_background() -> None:
    for look in (*STATES.values(), *VERDICTS.values(), *EVENTS.values()):
        red, green, blue = rgb(look)
        assert colorsys.rgb_to_hls(red, green, blue)[1] > 0.3
