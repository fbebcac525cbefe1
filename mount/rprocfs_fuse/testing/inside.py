"""Commands inside a board that runs already.

This file is executed twice. ``inside.py FD`` is the *holder*: the command of ``rprocfs
run``, which starts what it is asked to start on the socket FD and ends with it.
``inside.py FD COMMAND ...`` is the *relay*: it has the holder start COMMAND with its own
descriptors 0 to 2, environment and directory, and ends as that ends. A command whose relay
is killed is killed with all of its process group. Nothing but the standard library is
used, as the holder runs in the interpreter's isolated mode.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from threading import Thread

_MESSAGE_SIZE = 1 << 20
NOT_EXECUTABLE, NOT_FOUND = 126, 127


def hold(door: socket.socket) -> int:
    """Start what is asked for until the other end of *door* is closed."""
    door.send(b"here")  # who we are the kernel says
    while True:
        message, fds, _, _ = socket.recv_fds(door, _MESSAGE_SIZE, 4)
        if not message:
            return 0
        Thread(target=_serve, args=(json.loads(message), fds), daemon=True).start()


def _serve(wanted: dict[str, object], fds: list[int]) -> None:
    with socket.socket(fileno=fds[0]) as reply:
        try:
            answer: object = _run(wanted, fds[1:], reply)
        except OSError as problem:
            answer = [problem.errno, problem.strerror]
        finally:
            for fd in fds[1:]:
                os.close(fd)
        with suppress(OSError):  # nobody may wait any more
            reply.send(json.dumps(answer).encode())


def _run(wanted: dict[str, object], stdio: list[int], reply: socket.socket) -> int:
    stdin, stdout, stderr = stdio
    process = subprocess.Popen(
        **wanted,  # type: ignore[call-overload]
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    ended = os.pidfd_open(process.pid)
    poll = select.poll()
    for fd in (ended, reply.fileno()):
        poll.register(fd, select.POLLIN)
    if ended not in dict(poll.poll()):
        os.killpg(process.pid, signal.SIGKILL)
    os.close(ended)
    status: int = process.wait()
    return status


def relay(door: socket.socket, command: list[str]) -> int:
    """Run *command* where the holder is, and end as it ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            wanted = {"args": command, "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109
            socket.send_fds(door, [json.dumps(wanted).encode()], [theirs.fileno(), 0, 1, 2])
        answer = json.loads(ours.recv(_MESSAGE_SIZE) or b"null")
    if answer is None:
        print(f"{command[0]}: the board is gone", file=sys.stderr)
        return NOT_EXECUTABLE
    if isinstance(answer, list):
        number, text = answer
        print(f"{command[0]}: {text}", file=sys.stderr)
        return NOT_FOUND if number == 2 else NOT_EXECUTABLE
    if answer < 0:
        if -answer != signal.SIGKILL:
            signal.signal(-answer, signal.SIG_DFL)
        os.kill(os.getpid(), -answer)
    return int(answer)


def main(argv: list[str]) -> int:
    """The holder or the relay."""
    with socket.socket(fileno=int(argv[1])) as door:
        return relay(door, argv[2:]) if argv[2:] else hold(door)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
