"""The watchdog's process: abort the FUSE mounts of a test that hangs on one of them.

    python -I abort_mounts.py PID DIRECTORY

Each line on stdin says what process PID does: "SECONDS TEST", or an empty line between tests.
A test that takes longer than its seconds has the connections of its mounts aborted, again and
again until it ends: those below DIRECTORY, and those that only descendants of PID see. What
was done is printed. This has to be another process: a thread that spawns holds the
interpreter's lock, and no signal reaches a thread that waits for a FUSE server.
"""

import ctypes
import os
import re
import select
import socket
import sys
from pathlib import Path

CONNECTIONS = Path("/sys/fs/fuse/connections")
FUSE = re.compile(r" (\d+):(\d+) \S+ (\S+) .* - fuse(?:\.\S+)? ")
OCTAL = re.compile(r"\\([0-7]{3})")
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 0x40000, 2
#: Seconds between one look at a stuck test and the next.
AGAIN = 2.0
libc = ctypes.CDLL(None)


def descendants(pid):
    """The processes below *pid*, and *pid*."""
    children = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def fuse_mounts(pid):
    """Connection to mountpoint of the FUSE filesystems that a process sees."""
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return {}
    return {
        int(major) << 20 | int(minor): OCTAL.sub(lambda match: chr(int(match[1], 8)), where)
        for major, minor, where in FUSE.findall(text)
    }


def stuck_mounts(pid, directory):
    """Connection to mountpoint of what the tests of process *pid* mounted."""
    seen = fuse_mounts(pid)
    found = {number: where for number, where in seen.items() if where.startswith(directory)}
    for child in descendants(pid):
        below = fuse_mounts(child).items()
        found.update((number, where) for number, where in below if number not in seen)
    return found


def where_it_waits(pid):
    """The kernel functions that the threads of *pid* sleep in."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return ", ".join(sorted({(task / "wchan").read_text() for task in tasks}))
    except OSError:
        return "?"


def abort(control, pid, directory, test):
    """End the connections of a test, take what they leave off the tree, and say so."""
    waits = where_it_waits(pid)
    for number, where in stuck_mounts(pid, directory).items():
        try:
            fd = os.open(f"{number}/abort", os.O_WRONLY, dir_fd=control)
            os.write(fd, b"1")
            os.close(fd)
        except OSError as problem:
            print(f"{test}: {where} cannot be aborted: {problem}", flush=True)
        else:
            print(f"{test}: hung ({waits}): {where} was aborted", flush=True)
            libc.umount2(where.encode("utf-8", "surrogateescape"), MNT_DETACH)


def open_control():
    """The control filesystem of FUSE; where the system does not have it, root mounts one for us."""
    if os.geteuid():
        return os.open(CONNECTIONS, os.O_PATH)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = os.fork()
        if child == 0:  # in a namespace of its own; the descriptor outlives it
            if libc.unshare(CLONE_NEWNS) == 0:
                libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
                libc.mount(b"none", os.fsencode(CONNECTIONS), b"fusectl", 0, None)
            socket.send_fds(theirs, [b"here"], [os.open(CONNECTIONS, os.O_PATH)])
            os._exit(0)
        os.waitpid(child, 0)
        return socket.recv_fds(ours, 4, 1)[1][0]


def main(pid, directory):
    """Read stdin until its end."""
    control = open_control()
    seconds, test = None, b""
    while True:
        if not select.select([0], [], [], seconds)[0]:
            abort(control, pid, directory, test.decode())
            seconds = AGAIN
            continue
        said = os.read(0, 1 << 16)
        if not said:
            return
        number, _, test = said.splitlines()[-1].partition(b" ")
        seconds = float(number) if number else None


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
