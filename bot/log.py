"""The bot's own log: a console for people, and a rotating file of JSON lines for machines.

Whatever logs through the standard library, discord.py among it, takes the same way. Logging never fails its caller: a
full disk or a closed console costs lines, nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from monitor.redaction import Redaction

FILE_NAME = "gamekeeper.log"
_MAX_BYTES = 5 * 1024 * 1024
_BACKUPS = 4
"""Beside the file being written: five in all."""
_OWN = ("bot", "cogs", "storage", "monitor")


class _Unfailing(logging.Handler):
    """A handler whose trouble is its own. It is told once an outage, where it still can be."""

    _failed = False
    _in_outage = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._in_outage = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        del record
        self._failed = True
        if not self._in_outage:
            error = sys.exc_info()[1]
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"gamekeeper: lines of the log are being lost ({why})\n")


class _Console(_Unfailing, logging.StreamHandler[TextIO]):
    pass


class _File(_Unfailing, RotatingFileHandler):
    """Opened at its first line, for the owner's eyes only; survives whatever the disk does."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        stream = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
        with contextlib.suppress(OSError):
            path.chmod(0o600)
        return stream

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        # On Windows a file that somebody reads cannot be renamed: it grows on, until nobody does.
        with contextlib.suppress(OSError):
            super().doRollover()
        if self.stream is None:
            self.stream = self._open()

    def close(self) -> None:
        # The last bytes are still in the buffer, and the disk may still be full.
        with contextlib.suppress(OSError, ValueError):
            super().close()


class Log:
    """What `configure_logging` has set up. Close it last."""

    def __init__(self, undo: contextlib.ExitStack, redaction: Redaction) -> None:
        self._undo = undo
        self.redaction = redaction
        """What is told to hide more is kept out of the log too, from then on."""

    def close(self) -> None:
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def configure_logging(level: str, log_dir: Path | None, secrets: Iterable[str] = ()) -> Log:
    """Send every log line of this process to standard error and to `gamekeeper.log` in `log_dir`.

    Args:
        level: `debug`, `info`, `warning` or `error`, for gamekeeper's own lines; those of libraries begin at `info`,
            since their debug lines carry whole messages and SQL.
        log_dir: made when missing; `None` for no file. Five files of 5 MiB are kept, for this user's eyes only.
        secrets: texts that are replaced by `***` wherever they occur; also what looks like a token of Discord's.
    """
    redaction = Redaction(secrets)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    undo = contextlib.ExitStack()
    for handler in _handlers(log_dir, redaction):
        undo.callback(handler.close)
        undo.callback(logging.root.removeHandler, handler)
        logging.root.addHandler(handler)
    _set_level(undo, logging.root, max(threshold, logging.INFO))
    for name in _OWN:
        _set_level(undo, logging.getLogger(name), threshold)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_COMMON,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    undo.callback(structlog.reset_defaults)
    return Log(undo, redaction)


def _set_level(undo: contextlib.ExitStack, logger: logging.Logger, level: int) -> None:
    undo.callback(logger.setLevel, logger.level)
    logger.setLevel(level)


_COMMON: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def _handlers(log_dir: Path | None, redaction: Redaction) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if sys.stderr is not None:  # a Windows service has none
        console = _Console(sys.stderr)
        console.setFormatter(_formatter(redaction, _console_renderer(sys.stderr)))
        handlers.append(console)
    if log_dir is not None:
        file = _File(log_dir / FILE_NAME, maxBytes=_MAX_BYTES, backupCount=_BACKUPS, delay=True)
        file.setFormatter(_formatter(redaction, structlog.processors.JSONRenderer(ensure_ascii=False)))
        handlers.append(file)
    return handlers


def _console_renderer(stream: TextIO) -> Processor:
    can_colour = sys.platform != "win32" or find_spec("colorama") is not None
    return structlog.dev.ConsoleRenderer(
        colors=can_colour and stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _formatter(redaction: Redaction, renderer: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[ProcessorFormatter.remove_processors_meta, redaction, renderer],
    )
