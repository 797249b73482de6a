"""Files kept open, as long as there is room for them."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.local.kept_files import KeptFiles, room_for_descriptors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / name).write_text(f"first {name}")
    return tmp_path


@pytest.fixture
def files() -> Iterator[KeptFiles]:
    files = KeptFiles(most=2)
    yield files
    files.close()


@contextmanager
def descriptor_limit(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Nothing can be opened while this lasts, though what is closed in it can be opened again."""
    with descriptor_limit(200):
        taken: list[int] = []
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        try:
            yield
        finally:
            for descriptor in taken:
                os.close(descriptor)


def test_a_kept_file_is_read_as_it_is_now(folder: Path, files: KeptFiles) -> None:
    path = folder / "a"
    assert files.read(str(path)) == b"first a"
    path.write_text("second")
    assert files.read(str(path)) == b"second"
    assert len(files) == 1


def test_a_kept_file_is_the_one_it_was_though_another_one_got_its_name(folder: Path, files: KeptFiles) -> None:
    path = folder / "a"
    files.read(str(path))
    (folder / "b").rename(path)
    assert files.read(str(path)) == b"first a"
    files.let_go((str(path),))
    assert files.read(str(path)) == b"first b"


def test_no_more_are_kept_than_there_is_room_for(folder: Path, files: KeptFiles) -> None:
    for _ in range(2):
        assert [files.read(str(folder / name)) for name in "abc"] == [b"first a", b"first b", b"first c"]
    assert len(files) == 2


def test_peeking_keeps_nothing(folder: Path, files: KeptFiles) -> None:
    assert files.peek(str(folder / "a")) == b"first a"
    assert len(files) == 0


@pytest.mark.parametrize("size", [0, 1, 4031, 4032, 4096, 4097, 20_000])
def test_a_file_of_any_length_is_read_whole(folder: Path, files: KeptFiles, size: int) -> None:
    path = folder / "a"
    path.write_bytes(os.urandom(size))
    assert files.read(str(path)) == files.peek(str(path)) == path.read_bytes()


@pytest.mark.parametrize("name", ["nothing", "."])
def test_what_cannot_be_read_is_an_error_and_leaves_nothing_open(folder: Path, files: KeptFiles, name: str) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match=name):
            files.peek(str(folder / name)) if name == "nothing" else files.names(str(folder / "a" / name))
    assert len(files) == 0


def test_a_file_that_fails_is_opened_anew_the_next_time(
    folder: Path, files: KeptFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(folder / "a")
    files.read(path)

    def refuse(*_: int) -> bytes:
        raise ProcessLookupError

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", refuse)
        for _ in range(2):  # kept, then newly opened
            with pytest.raises(ProcessLookupError):
                files.read(path)
            assert len(files) == 0
    assert files.read(path) == b"first a"


def test_fault_55_where_no_descriptor_is_left_ours_are_given_back(folder: Path, files: KeptFiles) -> None:
    files.read(str(folder / "a"))
    files.read(str(folder / "b"))
    with no_descriptor_left():
        assert sorted(files.names(str(folder))) == ["a", "b", "c"]
        assert files.read(str(folder / "c")) == b"first c"
        assert len(files) == 0
        os.close(os.open(os.devnull, os.O_RDONLY))  # there is room for others
        assert files.peek(str(folder / "a")) == b"first a"


def test_fault_55_with_nothing_to_give_back_it_is_an_error(folder: Path, files: KeptFiles) -> None:
    with no_descriptor_left(), pytest.raises(OSError, match="Too many open files"):
        files.read(str(folder / "a"))
    assert files.read(str(folder / "a")) == b"first a"


@pytest.mark.parametrize(
    ("limit", "room"), [(40, 0), (64, 0), (100, 36), (1024, 512), (8192, 4096), (20_000, 4096)], ids=str
)
def test_fault_55_most_of_few_descriptors_are_left_to_others(limit: int, room: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and limit > hard:
        pytest.skip(f"this machine allows {hard} descriptors")
    with descriptor_limit(limit):
        assert room_for_descriptors() == room
