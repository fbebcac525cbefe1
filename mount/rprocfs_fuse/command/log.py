"""The log of a daemon and of its board's kernel: a file, syslog, stderr or the journal."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import SysLogHandler
from pathlib import Path

from rprocfs.base.kmsg import Level
from rprocfs.errors import CommandError

#: ``-o loglevel=``, and what it shows.
LEVELS = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
SYSLOG = "syslog"
_FORM = "%(asctime)s %(name)s: %(message)s"
_SEVERITY = {
    logging.CRITICAL: Level.CRIT,
    logging.ERROR: Level.ERR,
    logging.WARNING: Level.WARNING,
    logging.INFO: Level.INFO,
    logging.DEBUG: Level.DEBUG,
}


def configure(where: str | None, level: str, *, stderr: bool = False) -> None:
    """Log to the file *where*, to syslog(3), or else to *stderr* or nowhere. CommandError.

    The lines on the stderr of a systemd unit begin with their level, as sd-daemon(3) says.
    """
    handler: logging.Handler
    if where == SYSLOG:
        handler = _syslog()
    elif where is not None:
        handler = _File(where, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter(_FORM))
    elif stderr:
        handler = logging.StreamHandler()
        journal = _is_journal()
        handler.setFormatter(_JournalFormatter() if journal else logging.Formatter(_FORM))
    else:
        handler = logging.NullHandler()
        level = "error"
    logging.basicConfig(handlers=[handler], level=LEVELS[level])


def _syslog() -> logging.Handler:
    if not Path("/dev/log").is_socket():
        raise CommandError(f"log={SYSLOG}: nobody listens at /dev/log")
    handler = SysLogHandler("/dev/log", SysLogHandler.LOG_DAEMON)
    handler.ident = f"rprocfs[{os.getpid()}]: "
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    return handler


def _is_journal() -> bool:
    """Whether stderr is a stream to the journal: systemd.exec(5), ``$JOURNAL_STREAM``."""
    about = os.fstat(sys.stderr.fileno())
    return os.environ.get("JOURNAL_STREAM") == f"{about.st_dev}:{about.st_ino}"


class _File(logging.FileHandler):
    """A file whose disk may be full: that is said once, and lines are lost."""

    _complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A line could not be written."""
        problem = sys.exception()
        if not isinstance(problem, OSError):
            super().handleError(record)
        elif not self._complained:
            self._complained = True
            print(f"rprocfs: {self.baseFilename}: {problem.strerror}", file=sys.stderr)


class _JournalFormatter(logging.Formatter):
    """``<LEVEL>text``, with the level of syslog(3)."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """A level before each line."""
        level = f"<{_SEVERITY[record.levelno]:d}>"
        return level + super().format(record).replace("\n", f"\n{level}")
