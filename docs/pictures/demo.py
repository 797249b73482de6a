"""Makes `docs/images/demo-crash.png`: a crash and its alert in the demo's real page.

    .venv/bin/python -m docs.pictures.demo

It needs a Chromium, and takes about a minute: the chart wants something to show.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.bot.demo.browser import browsing, running_demo

IMAGE = Path(__file__).parents[1] / "images" / "demo-crash.png"
HISTORY_MS = 50_000


def main() -> None:
    with running_demo() as (_, url), browsing(url, width=1180, height=1010, scale=1.5) as visitor:
        visitor.slash("start", server="meadow")
        visitor.sees("is up")
        visitor.page.wait_for_timeout(HISTORY_MS)
        visitor.slash("rcon", server="meadow", command="crash")
        visitor.sees("crashed")
        visitor.sees_picture()
        visitor.page.wait_for_timeout(500)
        taken = visitor.page.screenshot()
    Image.open(io.BytesIO(taken)).quantize(256).save(IMAGE, optimize=True)
    print(IMAGE)


if __name__ == "__main__":
    main()
