"""A person at the demo's page, in a headless Chromium."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright  # noqa: A004 - its own name for it

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
PATIENCE_MS = 60_000
PATIENCE_EACH_MS = (PATIENCE_MS / 8, PATIENCE_MS / 4, PATIENCE_MS / 2)
"""Of the tries at something that the page may lose."""

ARRIVED = """
() => [...document.querySelectorAll("main img")].some(
    image => image.checkVisibility() && image.complete && image.naturalWidth > 300
)
"""


@contextmanager
def running_demo(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo as its own process, and the address that it printed. Ended by SIGTERM where it still runs."""
    command = [sys.executable, "-m", "bot", "demo", "--no-browser", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as demo:
        assert demo.stdout is not None
        try:
            found = next((m for line in demo.stdout if (m := re.search(r"http://127\.0\.0\.1:\d+/\S*", line))), None)
            assert found is not None, "the demo ended without printing an address"
            yield demo, found[0]
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGTERM)
                demo.wait(30)


class Visitor:
    """Gives slash commands in the page, and reads what comes back."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)

    def become(self, name: str) -> None:
        """See and use the page as somebody else."""
        self.page.get_by_label("Viewing as").select_option(name)
        self._toolbar_says("Preview ready")

    def _toolbar_says(self, text: str) -> None:
        self.page.locator("#toolbar").get_by_text(text).wait_for()

    def slash(self, command: str, /, **options: str) -> None:
        """Give a command as a person does: pick it from the list, fill its options in, send it."""
        composer = self.page.locator("#channel-composer-input")
        self._pick(composer, command)
        for name, value in options.items():
            self._fill(name, value)
        self.page.get_by_role("button", name="Send").click()
        composer.wait_for()

    def slash_unoffered(self, command: str, /, **options: str) -> None:
        """Give a command with values that the page does not offer: it offers none that would fit."""
        composer = self.page.locator("#channel-composer-input")
        self._pick(composer, command)
        for name, value in options.items():
            field = self.page.locator(f'input[data-option="{name}"]')
            field.click()
            field.press_sequentially(value)
            self.page.get_by_text("No options match").wait_for()
        self.page.get_by_role("button", name="Send").click()
        composer.wait_for()

    def _pick(self, composer: Locator, command: str) -> None:
        """Type and pick until the command stands there: what is typed while the page renews itself is lost."""
        picked = self.page.get_by_role("button", name=f"Command /{command}")
        for patience_ms in PATIENCE_EACH_MS:
            with suppress(TimeoutError):
                composer.fill("", timeout=patience_ms)
                composer.press_sequentially(f"/{command}")
                self.offered(f"/{command}").first.click(timeout=patience_ms)
                picked.wait_for(timeout=patience_ms)
                return
        picked.wait_for()

    def _fill(self, name: str, value: str) -> None:
        """Fill an option in until it holds the value: this, too, is lost while the page renews itself."""
        for patience_ms in PATIENCE_EACH_MS:
            with suppress(TimeoutError):
                self._fill_once(name, value, patience_ms)
                return
        self._fill_once(name, value, PATIENCE_MS)

    def _fill_once(self, name: str, value: str, patience_ms: float) -> None:
        field = self.page.locator(f'input[data-option="{name}"]')
        more = self.page.get_by_role("button", name=re.compile(r"\+\d+ more"))
        field.or_(self.offered(name)).or_(more).first.wait_for(timeout=patience_ms)
        if not field.count():
            if not self.offered(name).count():
                more.click(timeout=patience_ms)
            self.offered(name).first.click(timeout=patience_ms)
        field.fill("", timeout=patience_ms)
        field.press_sequentially(value, timeout=patience_ms)
        if field.get_attribute("aria-autocomplete", timeout=patience_ms) == "list":
            self.offered(value).first.click(timeout=patience_ms)

    def offered(self, text: str) -> Locator:
        """What the composer offers to pick that holds this text."""
        return self.page.locator('[role="option"]:visible').filter(has_text=text)

    def sees(self, text: str) -> Locator:
        """Wait until the channel shows this text, and give the last place where it does."""
        found = self.page.locator("main").get_by_text(text).last
        found.wait_for()
        return found

    def sees_picture(self) -> Locator:
        """Wait until the channel shows a picture that has arrived whole."""
        # Looked up anew each time: an alert that grows is drawn again, and the picture in it with it.
        self.page.wait_for_function(ARRIVED)
        picture = self.page.locator("main img:visible").last
        picture.wait_for()
        return picture


@contextmanager
def browsing(url: str, *, width: int = 1200, height: int = 950, scale: float = 1.0) -> Iterator[Visitor]:
    """Open the page in a browser of its own."""
    assert CHROMIUM is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
        page.goto(url)
        visitor = Visitor(page)
        # Once it has measured its window, the page is done with itself.
        visitor._toolbar_says("Viewport updated")
        yield visitor
        browser.close()
