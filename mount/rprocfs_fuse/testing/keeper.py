"""The process that keeps a board, ``python -m rprocfs_fuse.testing.keeper FD RUN_ARGUMENTS``.

FD is a Unix socket that listens. A client connects to it, sends a verb and gets an answer:
``on``, ``off`` and ``get`` answer a JSON object; ``enter`` passes the descriptor by which
commands are started on the board. The keeper ends, and the board with it, at the end of its
standard input. Therefore no board outlives the process that wanted it, however that ended.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rprocfs_fuse.testing.board import PATIENCE, BoardError, RprocBoard, python_path

#: Seconds that a client may take to say what it wants.
_ATTENTION = 5
_SIZE = 1 << 16


class Keeper:
    """A keeper of a board, as a child of this process. OSError: it cannot be started.

    Clients may connect at once; the keeper answers them once it is there.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._directory = tempfile.mkdtemp(prefix="rprocfs-board-")  # mode 0700: ours alone
        where = str(Path(self._directory) / "door")
        self.command = [sys.executable, "-m", "rprocfs_fuse.testing.door", where]
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(where)
            listener.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rprocfs_fuse.testing.keeper", str(listener.fileno()),
                 *words],
                env=os.environ | {"PYTHONPATH": python_path()},
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C is for our process, which then ends this one
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether the process is there still."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the board, and its keeper."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


class _Kept:
    """What the keeper does for its clients, one after the other."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._board: RprocBoard | None = None

    def serve(self, client: socket.socket) -> None:
        """Answer one client."""
        verb = client.recv(_SIZE).decode("utf-8", "replace")
        fds = []
        try:
            if verb == "enter":
                answer: dict[str, object] = {"ok": True}
                fds = [self._there().door().fileno()]
            else:
                answer = {"ok": {"on": self._on, "off": self.off, "get": self._get}[verb]()}
        except KeyError:
            answer = {"error": f"a board knows on, off, get and enter, not {verb!r}"}
        except (BoardError, OSError) as problem:
            answer = {"error": str(problem)}
        socket.send_fds(client, [json.dumps(answer).encode()], fds)

    def _get(self) -> bool:
        return self._board is not None and self._board.alive

    def _on(self) -> bool:
        if not self._get():
            self.off()
            self._board = RprocBoard(*self._words)
        return True

    def off(self) -> bool:
        """End the board, if there is one."""
        board, self._board = self._board, None
        if board is not None:
            board.close()
        return False

    def _there(self) -> RprocBoard:
        if self._board is None:
            raise BoardError("the board is off: power it on")
        if not self._board.alive:
            raise BoardError("the board has ended by itself: power it off and on")
        return self._board


def main(argv: list[str]) -> int:
    """Keep the board until standard input ends."""
    kept = _Kept(argv[2:])
    with socket.socket(fileno=int(argv[1])) as listener:
        try:
            while listener.fileno() in select.select([listener.fileno(), 0], [], [])[0]:
                client, _ = listener.accept()
                client.settimeout(_ATTENTION)
                with client, suppress(OSError):  # it went without its answer
                    kept.serve(client)
        finally:
            kept.off()
            where = Path(listener.getsockname())
            shutil.rmtree(where.parent, ignore_errors=True)  # our parent may have died
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
