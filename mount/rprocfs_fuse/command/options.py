"""The words behind ``-o``, as mount(8) writes them."""

from __future__ import annotations

import argparse
import re
import textwrap
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rprocfs.base.observe import Observe
from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Owner
from rprocfs.kernel import KERNELS, find_kernel
from rprocfs_fuse.command.log import LEVELS, SYSLOG
from rprocfs_fuse.transport import TRANSPORTS

#: What mount(8) and fstab(5) say to every filesystem; of no concern to us.
GENERIC = re.compile(
    "rw|owner|group|a?sync|defaults|nofail|_netdev|x-.*"
    "|(no)?(suid|dev|exec|auto|users?|atime|relatime|diratime)"
)


@dataclass(slots=True)
class Options:
    """``-o``: words are flags, the others take a value."""

    transport: str = "devfuse"
    strict: bool = False
    console: bool = False
    inputs: bool = False
    configfs: bool = False
    kernel: str | None = None
    firmware: str | None = None
    allow_other: bool = False
    uid: str | None = None
    gid: str | None = None
    umask: str | None = None
    rules: str | None = None
    ro: bool = False
    log: str | None = None
    loglevel: str = "info"
    symbolize: bool = False
    coverage: str | None = None
    trace: str | None = None
    profile: str | None = None

    def add(self, text: str) -> None:
        """Take over a comma list. ``argparse.ArgumentTypeError``."""
        for word in filter(None, text.split(",")):
            name, equals, value = word.partition("=")
            if name not in KNOWN:
                if GENERIC.fullmatch(name):
                    continue
                raise _usage(f"unknown option {name}, there are {', '.join(KNOWN)}")
            if KNOWN[name] is not bool(equals):
                raise _usage(f"{name} needs a value" if KNOWN[name] else f"{name} takes no value")
            if equals and not value:
                raise _usage(f"{name}=: needs a value")
            setattr(self, name, value if equals else True)
        for name, known in KNOWN_VALUES.items():
            if getattr(self, name) not in (None, *known):
                raise _usage(f"{name}={getattr(self, name)}: there are {', '.join(known)}")
        self._check_kernel()
        self._owner()

    def _check_kernel(self) -> None:
        try:
            if self.kernel is not None:
                find_kernel(self.kernel)
        except ValueError as failure:
            raise _usage(f"kernel={failure}") from failure

    def resolve(self) -> None:
        """Make paths absolute, for a process elsewhere. CommandError: there is no directory."""
        if self.firmware is not None and not Path(self.firmware).is_dir():
            is_there = Path(self.firmware).exists()
            why = "not a directory" if is_there else "no such directory"
            raise CommandError(f"firmware={self.firmware}: {why}")
        self.firmware, self.rules = _absolute(self.firmware), _absolute(self.rules)
        self.coverage, self.trace = _absolute(self.coverage), _absolute(self.trace)
        self.profile = _absolute(self.profile)
        self.log = self.log if self.log == SYSLOG else _absolute(self.log)

    def of_board(self) -> dict[str, Any]:
        """Those that :func:`rprocfs.board.open_board` takes."""
        names = ("strict", "console", "inputs", "kernel", "firmware", "configfs", "rules")
        return {name: getattr(self, name) for name in names} | {
            "owner": self._owner(),
            "observe": Observe(self.symbolize, self.coverage, self.trace, self.profile),
        }

    def _owner(self) -> Owner:
        return Owner(
            _number("uid", self.uid, 10), _number("gid", self.gid, 10),
            _number("umask", self.umask, 8) or 0,
        )  # fmt: skip


#: Name to whether it takes a value.
KNOWN = {option.name: not isinstance(option.default, bool) for option in fields(Options)}

#: What each does, for ``--help``, the manual page and the reference.
MEANING = {
    "transport": "devfuse: our own FUSE edge (default); fusepy: libfuse 2 through fusepy",
    "strict": "show nothing that a board would not show (implied by rprocfs run)",
    "console": "also the file console of each processor that has one; it is there anyway unless "
    "strict",
    "inputs": "also the directory inputs of each processor that has some, in debugfs; it is there "
    "anyway unless strict",
    "configfs": "also sys/kernel/config/remoteproc, where mkdir makes processors; it is there "
    "anyway unless strict",
    "kernel": "the kernel to answer as, or a point release of one: 6.12.30",
    "firmware": "the firmware directory",
    "allow_other": "let other users in; a mount of root's always does",
    "uid": "whose everything is",
    "gid": "whose group everything has",
    "umask": "permissions that are removed for everyone, octal",
    "rules": "whose some of it is: a file of tables [[rule]], as in a board file",
    "ro": "mount read-only",
    "log": "where the daemon logs, and the kernel log of the board with it",
    "loglevel": "how much it logs",
    "symbolize": "log a backtrace of each crash, with functions and lines if the image has DWARF: "
    "in the kernel log, but if strict in that of the daemon (log=), and without one on stderr of "
    "rprocfs run",
    "coverage": "record what the firmware of Cortex-M processors executes, for rprocfs cover; the "
    "engine auto is then unicorn",
    "trace": "record what happens on the board, for rprocfs trace",
    "profile": "record where the firmware of Cortex-M processors spends its time, for rprocfs "
    "profile; the engine auto is then unicorn",
}
_VALUES = {
    "kernel": "|".join(version.release for version in KERNELS),
    "firmware": "DIR",
    "uid": "N",
    "gid": "N",
    "umask": "N",
    "rules": "FILE",
    "log": "FILE|syslog",
    "coverage": "DIR",
    "trace": "FILE",
    "profile": "DIR",
}


def describe_options() -> str:
    """The options in the form of ``--help``."""
    lines = ["mount options, separated by commas:"]
    for name, takes in KNOWN.items():
        value = _VALUES.get(name) or "|".join(KNOWN_VALUES.get(name, ()))
        lines.append(f"  {name}={value}" if takes else f"  {name}")
        lines += textwrap.wrap(MEANING[name], 74, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join([*lines, "  those that mount(8) knows for every filesystem are passed over"])


#: Name to the only values there are.
KNOWN_VALUES = {
    "transport": tuple(TRANSPORTS),
    "loglevel": tuple(LEVELS),
}


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())


def _number(name: str, text: str | None, base: int) -> int | None:
    if text is None:
        return None
    largest, shown = (0o777, "777") if base == 8 else (0xFFFFFFFE, "4294967294")
    try:
        number = int(text, base)
    except ValueError:
        number = -1
    if not 0 <= number <= largest:
        raise _usage(f"{name}={text}: must be a number of at most {shown}")
    return number


def _usage(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(text)


class OptionsAction(argparse.Action):
    """``-o LIST``, which may be given several times."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Add to the :class:`Options` of *namespace*."""
        try:
            getattr(namespace, self.dest).add(str(values))
        except argparse.ArgumentTypeError as problem:
            parser.error(str(problem))
