"""The log of a daemon and of its board's kernel: a file, syslog, stderr or the journal."""

from __future__ import annotations

import errno
import logging
import os
import select
import sys
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import TextIO

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
#: What a pipe that poll(2) calls writable takes without waiting: pipe(7), ``PIPE_BUF``.
_LONGEST = select.PIPE_BUF
#: What a terminal would obey: C0 and C1 controls but for tabs and the ends of lines.
_CONTROLS = {
    number: f"\\x{number:02x}"
    for number in (*range(0x20), *range(0x7F, 0xA0))
    if number not in b"\t\n"
}
_SEVERITY = {
    logging.CRITICAL: Level.CRIT,
    logging.ERROR: Level.ERR,
    logging.WARNING: Level.WARNING,
    logging.INFO: Level.INFO,
    logging.DEBUG: Level.DEBUG,
}


def configure(where: str | None, level: str, *, stderr: bool = False) -> TextIO | None:
    """Log to the file *where*, to syslog(3), or else to *stderr* or nowhere.

    Return the stream, if it is one. CommandError, OSError. The lines on the stderr of a systemd
    unit begin with their level, as sd-daemon(3) says.
    """
    handler: logging.Handler
    if where == SYSLOG:
        handler = _syslog()
    elif where is not None:
        handler = _File(_open(where))
        handler.setFormatter(logging.Formatter(_FORM))
    elif stderr:
        handler = _Stream(sys.stderr)
        journal = _is_journal()
        handler.setFormatter(_JournalFormatter() if journal else logging.Formatter(_FORM))
    else:
        handler = logging.NullHandler()
        level = "error"
    logging.basicConfig(handlers=[handler], level=LEVELS[level])
    return handler.stream if isinstance(handler, _Stream) else None


def backtraces_to_stderr() -> None:
    """Have those of ``-o symbolize`` on stderr, which a program shares with the daemon."""
    logger = logging.getLogger("rprocfs.backtrace")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("rprocfs: backtrace: %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False


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


def _open(where: str) -> TextIO:
    """Open the file to append to; CommandError for a FIFO that has no reader, OSError."""
    try:
        return open(where, "a", encoding="utf-8", errors="backslashreplace", opener=_not_waiting)
    except OSError as problem:
        if problem.errno == errno.ENXIO:
            raise CommandError(f"log={where}: no program reads this FIFO") from problem
        raise


def _not_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


class _Stream(logging.StreamHandler[TextIO]):
    """A stream that the daemon never waits for.

    Its reader may be a pager, a stopped terminal or a program that does not read. What finds no
    room is lost, and the next line that finds some says how many were.
    """

    _lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or count it as lost."""
        if not self._has_room():
            self._lost += 1
            return
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """At most what there is certainly room for; a firmware's names may hold anything."""
        lost, self._lost = self._lost, 0
        text = f"({lost} lines were lost: they were not read)\n" if lost else ""
        text += super().format(record).translate(_CONTROLS)
        return text if len(text) * 4 < _LONGEST else _cut(text)

    def _has_room(self) -> bool:
        poll = select.poll()
        poll.register(self.stream, select.POLLOUT)
        return any(events & select.POLLOUT for _, events in poll.poll(0))


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[: _LONGEST - 1].decode("utf-8", "ignore")


class _File(_Stream):
    """A file whose disk may be full: that is said once, and lines are lost."""

    _complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A line could not be written."""
        problem = sys.exception()
        if not isinstance(problem, OSError):
            super().handleError(record)
        elif not self._complained:
            self._complained = True
            print(f"rprocfs: {self.stream.name}: {problem.strerror}", file=sys.stderr)


class _JournalFormatter(logging.Formatter):
    """``<LEVEL>text``, with the level of syslog(3)."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """A level before each line."""
        level = f"<{_SEVERITY[record.levelno]:d}>"
        return level + super().format(record).replace("\n", f"\n{level}")
