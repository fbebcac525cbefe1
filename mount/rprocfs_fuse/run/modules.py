"""Modules of the board for modprobe(8): a directory for kmod, and the calls that load them.

modprobe looks for ``lib/modules/RELEASE`` where MODPROBE_OPTIONS says, and finds what is
built into the board's kernel, and files that stand for modules which can be loaded. The
call that loads one is answered by the daemon. No module of this machine's kernel is loaded
or removed by a command or an udevd of a run.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.fs.kernfs import error
from rprocfs.system import MODULES
from rprocfs_fuse import linux
from rprocfs_fuse.run import modprobe, namespace, paths
from rprocfs_fuse.run.credentials import capabilities
from rprocfs_fuse.run.overlay import HiddenDir
from rprocfs_fuse.run.seccomp import Call, Handler

if TYPE_CHECKING:
    from rprocfs.system import System
    from rprocfs_fuse.run.knowledge import Daemon

#: Where it is made, and where the command sees it.
STAGED = f"{namespace.STAGE}/modules"
PLACE = modprobe.PLACE

#: What the framework is, in modules of the kernel.
BUILTIN = (
    "remoteproc", "rpmsg_char", "rpmsg_core", "rpmsg_ctrl", "rpmsg_ns", "rpmsg_tty", "virtio",
    "virtio_ring", "virtio_rpmsg_bus",
)  # fmt: skip

_CAP_SYS_MODULE = 1 << 16
#: What a file that stands for a module holds.
_IMAGE = re.compile(rb"rprocfs module (\w+)\n")
_IMAGE_MAX = 100

# The index files of libkmod: big-endian words.
_INDEX_MAGIC, _INDEX_VERSION = 0xB007F457, 0x00020001
_PREFIX, _VALUES, _CHILDS = 1 << 31, 1 << 30, 1 << 29


def write_modules(system: System, release: str) -> None:
    """Make :data:`STAGED` for the board of *system*, and what it is bound onto.

    *release* is what uname(2) says to the command.
    """
    system.model.dev.add(Path(PLACE).name, HiddenDir())
    where = Path(STAGED, "lib/modules", release)
    (where / "kernel").mkdir(parents=True)
    names = {name.replace("-", "_") for name in (*BUILTIN, *_drivers(system))}
    loadable = {*MODULES, *system.modules.loaded()} - names
    for name in loadable:
        (where / f"kernel/{name}.ko").write_bytes(f"rprocfs module {name}\n".encode())
    builtin_lines = {name: f"kernel/{name}.ko" for name in sorted(names)}
    loadable_lines = {name: f"kernel/{name}.ko:" for name in sorted(loadable)}
    for file, lines in (("modules.builtin", builtin_lines), ("modules.dep", loadable_lines)):
        (where / file).write_text("".join(line + "\n" for line in lines.values()), "ascii")
        (where / f"{file}.bin").write_bytes(index(lines))
    Path(STAGED, "usr").mkdir()
    Path(STAGED, "usr/lib").symlink_to("../lib")
    program = Path(STAGED, "bin/modprobe")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{modprobe.__file__}" "$@"\n')
    program.chmod(0o755)


def _drivers(system: System) -> Iterable[str]:
    """The modules of the kernel whose drivers the board has: a file of ours is called so."""
    for driver in system.platform.drivers.values():
        yield from (driver.name, type(driver).__module__.rpartition(".")[2])


def index(lines: Mapping[str, str]) -> bytes:
    """The file ``*.bin`` in which libkmod finds the line of a module by its name."""
    content = bytearray(struct.pack(">III", _INDEX_MAGIC, _INDEX_VERSION, 0))
    root = _write_node(content, "", lines)
    struct.pack_into(">I", content, 8, root)
    return bytes(content)


def _write_node(content: bytearray, prefix: str, lines: Mapping[str, str]) -> int:
    """Append the node of all names below, without what leads there; its offset and flags."""
    children: dict[int, int] = {}
    for first in sorted({name[0] for name in lines if name}):
        below = {name[1:]: line for name, line in lines.items() if name.startswith(first)}
        lead = _common_prefix(min(below), max(below))
        rest = {name[len(lead) :]: line for name, line in below.items()}
        children[ord(first)] = _write_node(content, lead, rest)
    offset, flags = len(content), 0
    if prefix:
        flags |= _PREFIX
        content += prefix.encode() + b"\0"
    if children:
        flags |= _CHILDS
        first_child, last_child = min(children), max(children)
        content += bytes((first_child, last_child))
        for number in range(first_child, last_child + 1):
            content += struct.pack(">I", children.get(number, 0))
    if "" in lines:
        flags |= _VALUES
        content += struct.pack(">II", 1, 0) + lines[""].encode() + b"\0"
    return offset | flags


def _common_prefix(first: str, last: str) -> str:
    """Of all names between the two, in their order."""
    length = 0
    while length < len(first) and first[length] == last[length]:
        length += 1
    return first[:length]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the command gets besides: where modprobe looks, and a modprobe if there is none."""
    options = f"-d {PLACE} {environ.get('MODPROBE_OPTIONS', '')}".strip()
    added = {"MODPROBE_OPTIONS": options}
    path = environ.get("PATH", os.defpath)
    if not any(shutil.which("modprobe", path=where) for where in (path, "/sbin:/usr/sbin")):
        added["PATH"] = f"{path}:{PLACE}/bin"
    return added


class ModuleCalls:
    """The calls that load and remove modules: those of the board, and no others."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def handlers(self) -> Mapping[str, Handler]:
        """By the name of the call."""
        return {
            "init_module": lambda call: self._load(call, self._memory, call.args[2]),
            "finit_module": lambda call: self._load(call, self._file, call.args[1]),
            "delete_module": self._delete,
        }

    def _load(self, call: Call, read: Callable[[Call], bytes], arguments: int) -> int:
        """EPERM without CAP_SYS_MODULE, and for a module of this machine; as load_module()."""
        _check(call)
        found = _IMAGE.fullmatch(read(call))
        if found is None:
            raise error(errno.EPERM)
        text = paths.string(call, arguments).decode("utf-8", "replace")
        code = self._daemon.load_module(found[1].decode(), text)
        if code:
            raise error(code)
        return 0

    def _memory(self, call: Call) -> bytes:
        return call.read(call.args[0], min(call.args[1], _IMAGE_MAX))

    def _file(self, call: Call) -> bytes:
        try:
            fd = linux.pidfd_getfd(call.pid, paths.number(call.args[0]))
        except OSError:
            raise error(errno.EBADF) from None
        try:
            call.check()
            return os.pread(fd, _IMAGE_MAX, 0)
        finally:
            os.close(fd)

    def _delete(self, call: Call) -> int:
        """EBUSY: none of ours can be removed; ENOENT for the others."""
        _check(call)
        name = paths.string(call, call.args[0]).decode("utf-8", "replace")
        raise error(errno.EBUSY if self._daemon.has_module(name) else errno.ENOENT)


def _check(call: Call) -> None:
    if not capabilities(call) & _CAP_SYS_MODULE:
        raise error(errno.EPERM)
