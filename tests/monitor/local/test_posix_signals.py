"""Signals that the bot was told to ignore."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from monitor.local.signals import heed_ignored_signals


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    numbers = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_ignored_signal_is_caught_and_still_does_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed_ignored_signals()
    assert callable(signal.getsignal(signal.SIGHUP))
    signal.raise_signal(signal.SIGHUP)


def test_other_signals_stay_as_they_are() -> None:
    ours = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    heed_ignored_signals()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN, "a broken pipe is an error to handle"
    assert signal.getsignal(signal.SIGINT) is ours


def test_another_thread_does_nothing() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    thread = threading.Thread(target=heed_ignored_signals)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
