"""The command of ``rprocfs run``: the mounts that only it sees, and its execution."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from rprocfs.fs.kernfs import error
from rprocfs_fuse.command.daemon import describe
from rprocfs_fuse.linux import CLONE_NEWNS, MNT_DETACH, set_parent_death_signal, umount, unshare
from rprocfs_fuse.run import calls, modules, namespace, seccomp
from rprocfs_fuse.run.overlay import Plan, cover
from rprocfs_fuse.run.tenants import send_tenants
from rprocfs_fuse.run.udevd import cover_udev, start_udevd
from rprocfs_fuse.run.uname import cover_version

NOT_EXECUTABLE = 126
NOT_FOUND = 127


def run_command(
    parent: int,
    introduce: Callable[[bool], None] | None = None,
    *,
    door: socket.socket,
    plan: Plan,
    argv: list[str],
    rules: list[Path] | None,
    devices: bool,
) -> int:
    """Become the command; the status of the process where that cannot be.

    It dies with its *parent*. In a PID namespace of its own it needs a /proc of its own, and
    tells by *introduce* whether that was to be had; it does not return if not. With *rules*,
    there may be none, udevd runs beside it. Without *devices*, stat(2) is the kernel's
    alone.
    """
    set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    try:
        unshare(CLONE_NEWNS)
        if introduce is not None:
            introduce(_has_own_proc())
        cover(plan.covers, namespace.MOUNTPOINT)
        if plan.release is not None:
            cover_version(plan.release)
        if rules is not None:
            cover_udev(rules)
        umount(namespace.STAGE, MNT_DETACH)
        _filter(door, plan, devices=devices)
        if rules is not None:
            start_udevd()
        os.environ |= modules.environment(os.environ)
    except OSError as problem:
        complain(describe(problem))
        return 1
    return _execute(argv)


def _has_own_proc() -> bool:
    try:
        namespace.remount_proc()
    except OSError:
        return False
    return True


def complain(text: str) -> None:
    """One line for the user."""
    print(f"rprocfs: {text}", file=sys.stderr)


def _filter(door: socket.socket, plan: Plan, *, devices: bool) -> None:
    """Some of our system calls are answered by whoever is behind the door: stat(2), among others.

    Between the two steps none of them may be made.
    """
    mounts = namespace.open_mounts()
    program = calls.filter_program(
        devices=devices,
        traced=plan.traced,
        device_tree=plan.device_tree,
        uname=plan.release is not None,
    )
    listener = None if program is None else seccomp.install(program)
    send_tenants(door, mounts, listener)
    os.close(mounts)
    if listener is not None:
        os.close(listener)


def _execute(argv: list[str]) -> int:
    try:
        _exec(argv)
    except OSError as problem:
        complain(f"{argv[0]}: {problem.strerror}")
        missing = problem.errno in (errno.ENOENT, errno.ENOTDIR)
        return NOT_FOUND if missing else NOT_EXECUTABLE


def _exec(argv: list[str]) -> NoReturn:
    if not argv[0]:
        raise error(errno.ENOENT)
    try:
        os.execvp(argv[0], argv)
    except OSError as problem:
        if problem.errno != errno.ENOEXEC:
            raise
    os.execv("/bin/sh", ["/bin/sh", *argv])
