"""The real systemd-udevd in the namespaces of a run, with the rules of a board.

It hears the events of the board's devices only if these are sent as the kernel does
(:mod:`uevents`), and of the machine's other devices none that are older than the run.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rprocfs.errors import CommandError
from rprocfs_fuse.linux import MS_BIND, mount
from rprocfs_fuse.run import namespace

PROGRAMS = ("/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd", "/usr/sbin/udevd")
#: Its rules, its database and its socket.
RUN_UDEV = "/run/udev"
_STAGED = f"{namespace.STAGE}/udev"
#: Seconds until it has read its rules, and until it has dealt with the devices.
PATIENCE = 30
#: What coldplug is for: these hold the devices of the board, and no others.
SUBSYSTEMS = ("platform", "virtio", "rpmsg", "remoteproc", "devcoredump", "virtio-ports")
NODES = ("ttyRPMSG*", "hvc*")


def find_udevd(rules: str) -> list[Path]:
    """The files of *rules*, a file, a directory or nothing; CommandError also without an udevd."""
    if not any(Path(program).exists() for program in PROGRAMS) or not shutil.which("udevadm"):
        raise CommandError("--udev: systemd-udevd is not installed (Debian: udev)")
    place = Path(rules).absolute()
    if not rules:
        return []
    if not place.exists():
        raise CommandError(f"{rules}: {os.strerror(2)}")
    found = sorted(place.glob("*.rules")) if place.is_dir() else [place]
    if not found:
        raise CommandError(f"{rules}: no file is called *.rules")
    return found


def cover_udev(rules: list[Path]) -> None:
    """Put a ``/run/udev`` of its own, with *rules*, over the real one; OSError."""
    where = Path(_STAGED, "rules.d")
    where.mkdir(parents=True)
    for file in rules:
        shutil.copy(file, where / f"{file.name.removesuffix('.rules')}.rules")
    if not Path(RUN_UDEV).is_dir():
        _cover_run()
    mount(_STAGED, RUN_UDEV, MS_BIND)


def _cover_run() -> None:
    """Nothing is made in the real /run: an overlay has the directory that is missing."""
    place = Path(namespace.STAGE, "run")
    for name in ("upper/udev", "work"):
        (place / name).mkdir(parents=True)
    data = f"lowerdir=/run,upperdir={place}/upper,workdir={place}/work"
    try:
        mount("overlay", "/run", 0, "overlay", f"{data},userxattr")
    except OSError:
        mount("overlay", "/run", 0, "overlay", data)


def start_udevd() -> None:
    """Start it, wait until it is ready, and let it deal with the devices that are there; OSError.

    It is no child of the caller, whose next program would not know it.
    """
    program = next(path for path in PROGRAMS if Path(path).exists())
    with _notify_socket() as (ready, name):
        child = os.fork()
        if not child:
            _become_orphan(program, name)
        os.waitpid(child, 0)
        try:
            while b"READY=1" not in ready.recv(4096):
                pass
        except TimeoutError as late:
            raise OSError(late.errno, "systemd-udevd does not become ready") from late
    coldplug = [f"--subsystem-match={subsystem}" for subsystem in SUBSYSTEMS]
    for matches in (coldplug, [f"--sysname-match={name}" for name in NODES]):
        _udevadm("trigger", "--action=add", *matches)
    _udevadm("settle", f"--timeout={PATIENCE}")


def _become_orphan(program: str, notify: str) -> None:
    """In a child: the program in a session of its own, as the child of a process that ended."""
    status = 127
    try:
        if not os.fork():
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(2, 1)
            os.execve(program, [program], _environment() | {"NOTIFY_SOCKET": notify})
        status = 0
    finally:
        os._exit(status)


def _environment() -> dict[str, str]:
    """Complaints about rules go to the user; a chroot is not taken for a reason to do nothing."""
    defaults = {"SYSTEMD_LOG_TARGET": "console", "SYSTEMD_LOG_LEVEL": "err"}
    return defaults | os.environ | {"SYSTEMD_IGNORE_CHROOT": "1"}


@contextmanager
def _notify_socket() -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ready:
        ready.bind("")  # the kernel chooses an abstract name
        ready.settimeout(PATIENCE)
        yield ready, "@" + ready.getsockname()[1:].decode()


def _udevadm(*words: str) -> None:
    command = ["udevadm", *words]
    done = subprocess.run(command, env=_environment(), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise OSError(0, f"{' '.join(command[:2])} ended with status {done.returncode}")
