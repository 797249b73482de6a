from __future__ import annotations

import asyncio
import struct

from cogs.render.chart_request import ChartRequest
from cogs.render.painter import ChartFailed, Painter

PNG = b"\x89PNG\r\n\x1a\n"


class RecordingPainter(Painter):
    """The real painter; what it was asked to draw is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[ChartRequest] = []

    async def draw(self, request: ChartRequest) -> bytes:
        self.requests.append(request)
        return await super().draw(request)


class SketchPainter(RecordingPainter):
    """Draws nothing, for tests of what surrounds a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_with: ChartFailed | None = None
        self.let_draw = asyncio.Event()
        self.let_draw.set()

    async def draw(self, request: ChartRequest) -> bytes:
        self.requests.append(request)
        await self.let_draw.wait()
        if self.fail_with is not None:
            raise self.fail_with
        return PNG + b"sketch"


def png_size(picture: bytes) -> tuple[int, int]:
    """Width and height as the header of a PNG has them."""
    assert picture.startswith(PNG)
    width, height = struct.unpack(">II", picture[16:24])
    return width, height
