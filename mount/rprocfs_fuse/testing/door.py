"""What a client of a keeper starts, ``python -m rprocfs_fuse.testing.door SOCKET VERB``.

The verbs ``on``, ``off`` and ``get`` print the keeper's answer; ``run COMMAND ...`` runs COMMAND
on the board, with the descriptors, environment and directory of this process, and ends as it
ends. It is killed if what reads its output is gone, as happens to a session of ssh.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from threading import Thread

from rprocfs_fuse.testing.inside import NOT_EXECUTABLE, relay

_SIZE = 1 << 16
_GONE = "nothing keeps the board any more: its exporter has ended, or its place was released"


def main(argv: list[str]) -> int:
    """0 and an answer, 1 and one line on standard error, or the status of COMMAND."""
    _, where, verb, *command = argv
    try:
        answer, fds = _ask(where, "enter" if verb == "run" else verb)
    except OSError:
        answer, fds = {"error": _GONE}, []
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return NOT_EXECUTABLE if verb == "run" else 1
    if verb != "run":
        print(json.dumps(answer["ok"]))
        return 0
    Thread(target=_end_with_reader, daemon=True).start()
    with socket.socket(fileno=fds[0]) as door:
        return relay(door, command)


def _ask(where: str, verb: str) -> tuple[dict[str, object], list[int]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keeper:
        keeper.connect(where)
        keeper.send(verb.encode())
        said, fds, _, _ = socket.recv_fds(keeper, _SIZE, 1)
    return json.loads(said or json.dumps({"error": _GONE})), fds


def _end_with_reader() -> None:
    poll = select.poll()
    poll.register(1, 0)  # errors and hang-ups are always told
    poll.poll()
    os._exit(NOT_EXECUTABLE)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
