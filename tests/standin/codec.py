"""How gateway messages are packed: plain text, or one compressed stream a connection.

https://discord.com/developers/docs/events/gateway#transport-compression. discord.py 2.7 asks for zstd-stream where
the interpreter or a package can do it, and for zlib-stream elsewhere; each gateway message ends with a flush.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable

Pack = Callable[[str], str | bytes]


def packer(compress: str | None) -> Pack:
    """The packing a connection asked for in its query.

    Raises:
        LookupError: nothing here can do it.
    """
    if compress is None:
        return lambda text: text
    if compress == "zlib-stream":
        return _zlib()
    if compress == "zstd-stream":
        return _zstd()
    raise LookupError(compress)


def _zlib() -> Pack:
    stream = zlib.compressobj()
    return lambda text: stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstd() -> Pack:
    """By the same two libraries, in the same order of preference, that let discord.py ask for it."""
    try:
        zstd = importlib.import_module("compression.zstd")
    except ModuleNotFoundError:
        zstandard = importlib.import_module("zstandard")
        stream = zstandard.ZstdCompressor().compressobj()
        return lambda text: stream.compress(text.encode()) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    compressor = zstd.ZstdCompressor()
    return lambda text: compressor.compress(text.encode(), mode=compressor.FLUSH_BLOCK)
