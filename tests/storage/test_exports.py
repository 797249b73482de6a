"""An export that is handed on is there as long as it is needed, and gone however that ends."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from monitor.metrics import BY_KEY
from monitor.model import Sample
from monitor.spec import AdminEndpoint, Secret, ServerSpec
from storage.database import Database
from storage.export import Export, wanted
from storage.export_file import Format, Written
from storage.exports import Exports
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.fakes.clock import FakeClock

CANARY = "canary-71fe-export"
EXPORT = Export(("ark",), 0, 3000, (BY_KEY["players"],))
ENOUGH = 1 << 30


def nothing(written: Written) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


@pytest.fixture
def exports(db: Database, two_servers: tuple[str, str], folder: Path) -> Exports:
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("ark", at_s, players=7) for at_s in range(3000)])
    return Exports(db, buffer, folder)


def left_in(folder: Path) -> list[Path]:
    """Files and folders alike, but for the folder of the file at hand."""
    return [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]


async def test_a_file_is_there_until_the_block_ends(exports: Exports, folder: Path) -> None:
    async with exports.file(EXPORT, Format.CSV, "ark-1h", ENOUGH, nothing) as made:
        assert made.path.name == "ark-1h.csv"
        assert made.path.stat().st_size == made.size_bytes == made.written.size_bytes
        assert made.written.rows == 3000
        assert left_in(folder) == [made.path]
    assert left_in(folder) == []


async def test_one_that_is_too_large_is_zipped(exports: Exports, folder: Path) -> None:
    async with exports.file(EXPORT, Format.JSONL, "ark-1h", 1000, nothing) as made:
        assert made.path.name == "ark-1h.jsonl.zip"
        assert made.path.stat().st_size == made.size_bytes < made.written.size_bytes
        assert left_in(folder) == [made.path]
        with zipfile.ZipFile(made.path) as archive:
            assert archive.namelist() == ["ark-1h.jsonl"]
            assert archive.read("ark-1h.jsonl").count(b"\n") == 3000
    assert left_in(folder) == []


async def test_it_is_gone_too_where_handing_it_on_fails(exports: Exports, folder: Path) -> None:
    with pytest.raises(ConnectionError):
        async with exports.file(EXPORT, Format.CSV, "ark-1h", ENOUGH, nothing):
            raise ConnectionError
    assert left_in(folder) == []


async def test_it_is_gone_too_where_making_it_fails(exports: Exports, folder: Path) -> None:
    def fail(written: Written) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError) as failed:
        async with exports.file(EXPORT, Format.CSV, "ark-1h", ENOUGH, fail):
            pass
    assert failed.value.fault is StorageFault.FULL
    assert left_in(folder) == []


async def test_what_a_killed_bot_left_is_swept_away(exports: Exports, folder: Path) -> None:
    (folder / "0123").mkdir(parents=True)
    (folder / "0123" / ".gamekeeper-1.part").write_text("half")
    await exports.sweep()
    assert left_in(folder) == []
    await exports.sweep()


@pytest.mark.parametrize("form", Format)
async def test_fault_64_no_secret_of_a_server_is_in_its_export(db: Database, folder: Path, form: Format) -> None:
    spec = ServerSpec(
        id="ark",
        name=CANARY,
        game="generic",
        argv=("run", f"-password={CANARY}"),
        cwd=Path("/srv") / CANARY,
        env={"TOKEN": CANARY},
        admin=AdminEndpoint("127.0.0.1", 1, Secret(CANARY)),
    )
    await Servers(db).save([spec])
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("ark", 5, cpu_pct=1.0, rss_bytes=1, players=1, tick_rate=1.0)])
    export = wanted(["ark"], "1h", "", now_s=10)
    async with Exports(db, buffer, folder).file(export, form, "ark-1h", ENOUGH, nothing) as made:
        assert made.written.rows == 1
        assert CANARY.encode() not in made.path.read_bytes()
