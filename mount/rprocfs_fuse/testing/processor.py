"""A processor of a test's board: boot it, wait for what it says, talk to its channels."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from rprocfs_fuse.testing.channel import Channel, announced, node
from rprocfs_fuse.testing.deadline import TIMEOUT, wait_until
from rprocfs_fuse.testing.heard import CONSOLE, KERNEL, TRACE, Source, Traces, console, kernel_log

#: So many characters of what was heard are shown by a failure.
TAIL = 300


class Board(Protocol):
    """What a processor needs of its board: where it is mounted, and to run a command on it."""

    path: Path

    def run(self, args: Any, *, shell: bool = False, **kwargs: Any) -> Any:
        """As ``subprocess.run``, with the board in its place."""


class BoardProcessor:
    """The processor *name*, ``remoteproc0``, of *board*.

    It is driven by its files only: :attr:`path` is its directory in ``/sys/class/remoteproc``.
    Failures of those files are OSErrors with the kernel's errno.
    """

    def __init__(self, board: Board, name: str) -> None:
        root = board.path
        self.name = name
        self.path = root / "sys/class/remoteproc" / name
        self.debugfs = root / "sys/kernel/debug/remoteproc" / name
        self._board = board
        self._stack = ExitStack()
        self._traces = Traces(self.debugfs)
        self._sources: dict[str, Source] = {KERNEL: kernel_log(root, self._stack)}
        if (self.path / "console").exists():
            self._sources[CONSOLE] = console(self.path / "console", self._stack)
        self._sources[TRACE] = self._traces
        self._heard = dict.fromkeys(self._sources, "")
        self._open: dict[str, Channel] = {}

    @property
    def state(self) -> str:
        """The word in the file ``state``."""
        return (self.path / "state").read_text().rstrip("\n")

    def boot(self, firmware: str) -> None:
        """Start it with the image *firmware* of ``/lib/firmware``. OSError: the kernel's answer.

        It is up when this returns. What was said before is forgotten.
        """
        (self.path / "firmware").write_text(firmware)
        self._listen()
        self._heard = dict.fromkeys(self._sources, "")
        self._traces.forget()
        (self.path / "state").write_text("start")

    def stop(self) -> None:
        """Stop it. OSError: the kernel's answer."""
        (self.path / "state").write_text("stop")

    def wait_for_state(self, state: str, timeout: float = TIMEOUT) -> None:
        """Wait until it is in *state*, for *timeout* seconds at most. RprocTimeout."""
        wait_until(
            lambda: True if self.state == state else None,
            timeout,
            lambda: f"{self.name} to be {state}; it is {self.state}",
        )

    def expect(
        self, pattern: str, timeout: float = TIMEOUT, source: str | None = None
    ) -> re.Match[str]:
        """Wait until the regular expression *pattern* is in what was said since the boot.

        *timeout* is in seconds. *source* is ``kernel`` (the board's log), ``console`` or
        ``trace``; unless given, each is searched. The next call searches that source behind the
        match, and the others where they were. There is a console if the board has one and shows
        it: ``options="console"``. RprocTimeout; ValueError: no such source.
        """
        if source not in (None, *self._sources):
            raise ValueError(f"{self.name} has no {source}, but {', '.join(self._sources)}")
        wanted = re.compile(pattern, re.MULTILINE)
        names = list(self._sources) if source is None else [source]
        return wait_until(
            lambda: self._search(wanted, names), timeout, lambda: self._missed(pattern, names)
        )

    def channel(self, name: str, timeout: float = TIMEOUT) -> Channel:
        """Open the rpmsg channel *name*, once its driver made a device node. RprocTimeout.

        One that is open already stays so, until the test or the remote side closes it. All are
        closed with the board. A tty is put into raw mode.
        """
        if (channel := self._open.pop(name, None)) is not None and not channel.gone:
            return self._open.setdefault(name, channel)

        def look() -> Path | None:
            found = (node(self._board.path, at) for known, at in self._channels() if known == name)
            return next(filter(None, found), None)

        path = wait_until(look, timeout, lambda: self._no_channel(name))
        channel = self._stack.enter_context(Channel(name, path))
        if path.name.startswith("tty"):  # a terminal inside only: there its ioctls are known
            self._board.run(["stty", "-F", f"/dev/{path.name}", "raw"], check=True)
        return self._open.setdefault(name, channel)

    def close(self) -> None:
        """Close what it has open. May be called twice."""
        self._stack.close()

    def _channels(self) -> list[tuple[str, Path]]:
        return list(announced(self._board.path, self.name))

    def _no_channel(self, name: str) -> str:
        there = [known for known, _ in self._channels()]
        which = f"a device node of {self.name}'s channel {name}"
        if name in there:
            return f"{which}: it was announced, but no driver that makes one is bound to it"
        return f"{which}: it is {self.state}, and has {', '.join(there) or 'no channel'}"

    def _listen(self) -> None:
        for name, source in self._sources.items():
            text = self._heard[name] + source().decode("utf-8", "replace")
            self._heard[name] = text.replace("\r\n", "\n")

    def _search(self, wanted: re.Pattern[str], names: list[str]) -> re.Match[str] | None:
        self._listen()
        for name in names:
            if match := wanted.search(self._heard[name]):
                self._heard[name] = self._heard[name][match.end() :]
                return match
        return None

    def _missed(self, pattern: str, names: list[str]) -> str:
        lines = [f"{pattern!r} on {', '.join(names)} of {self.name}, which is {self.state}"]
        return "\n".join([*lines, *(f"{name}: ...{self._heard[name][-TAIL:]}" for name in names)])
