"""The process that draws: `python -m cogs.render.worker`. matplotlib's 50 MB and its pauses stay out of the bot.

It reads requests from standard input and answers on standard output, one at a time. A frame is four bytes of length,
big endian, and that many bytes. A request is a `ChartRequest` as JSON; an answer is `OK` and a PNG, or `ERROR` and a
text. Its first answer is an empty `OK`: it is ready. It ends when its input does, so it never outlives the bot.
"""

from __future__ import annotations

import logging
import os
import signal
import struct
import sys
from typing import BinaryIO

from cogs.render.chart import draw
from cogs.render.chart_request import from_json

LENGTH = struct.Struct(">I")
OK, ERROR = b"\0", b"\1"
NICENESS = 10


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame; `None` at the end of the input, also where it ends inside a frame."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    body = source.read(LENGTH.unpack(head)[0])
    return body if len(body) == LENGTH.unpack(head)[0] else None


def write_frame(sink: BinaryIO, body: bytes) -> None:
    sink.write(LENGTH.pack(len(body)) + body)
    sink.flush()


def answer(request: bytes) -> bytes:
    """Draw one request. What goes wrong is told, whatever it is: the next request is another matter."""
    try:
        return OK + draw(from_json(request))
    except Exception as err:  # noqa: BLE001 - the boundary of one drawing
        return ERROR + f"{type(err).__name__}: {err}".encode("utf-8", "replace")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the input ends."""
    write_frame(sink, OK)
    while (request := read_frame(source)) is not None:
        write_frame(sink, answer(request))


def main() -> None:
    """Serve the standard streams, below the priority of the games."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the bot's to answer; it then closes our input
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if sys.platform != "win32":
        os.nice(NICENESS)  # on Windows the bot starts it with a priority class
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - the null device is no path on Windows
        os.dup2(nowhere.fileno(), sys.stdout.fileno())  # a stray print must not end up inside a frame
    try:
        serve(sys.stdin.buffer, sink)
    except BrokenPipeError:
        os._exit(0)  # the bot is gone; there is nobody to flush for


if __name__ == "__main__":
    main()
