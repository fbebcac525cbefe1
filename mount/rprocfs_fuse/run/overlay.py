"""What of the real ``/sys``, ``/dev`` and ``/lib`` is covered by the tree, and what shines through.

A directory of ours lies on the real one of the same path. Where real entries have to
stay visible next to ours, which come and go, the tree gets a place-holder for each:
the link itself, or an empty directory or file that the real one is bound onto.
:func:`plan` makes the place-holders, before the tree is mounted; :func:`cover` does the
mounts, in the namespace of the command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rprocfs.fs.kernfs import Dir, File, Link, Node, Tree
from rprocfs_fuse.linux import MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT, mount
from rprocfs_fuse.run.paths import DEVICE_TREE

#: What is put over the real thing. A missing place is made in the directory above, by
#: covering that, and so on.
PLACES = (
    "sys/class",
    "sys/bus",
    "sys/dev",
    "sys/devices",
    "sys/firmware",
    "sys/kernel/debug",
    "sys/kernel/config",
    "sys/module",
    "lib/firmware",
    "dev",
)

#: Where nothing real shines through: a board shows its own only.
OURS_ALONE = re.compile(
    r"sys/class/(remoteproc|rpmsg|devcoredump)|sys/bus/(platform|rpmsg|virtio)"
    r"|sys/kernel/(debug|config)|sys/dev/char/(2[0-3]\d:\d+|10:183)"
    r"|sys/firmware/(devicetree|fdt)|dev/(remoteproc|rpmsg_ctrl|rpmsg|ttyRPMSG)\d+"
)

#: The same for what a module brings, once it is loaded.
MODULES_ALONE = {
    "virtio_console": re.compile(
        r"sys/class/virtio-ports|dev/(hvc\d+|vport\d+p\d+)|sys/(class|devices/virtual)/tty/hvc\d+"
    ),
}

#: What a board has mounted there.
_REAL = {"/sys/kernel/debug": "debugfs", "/sys/kernel/config": "configfs"}

#: Where the real ``/dev`` is as a whole, if need be.
HIDDEN_DEV = ".devtmpfs"


class HeldFile(File):
    """A file for a real one to be bound onto."""

    __slots__ = ()

    lasting = True


class HeldDir(Dir):
    """A directory for a real one to be bound onto."""

    __slots__ = ()

    lasting = True


class HeldLink(Link):
    """A link as there is a real one."""

    __slots__ = ()

    lasting = True


class HiddenLink(HeldLink):
    """One that is not listed."""

    __slots__ = ()

    listed = False


class HiddenDir(HeldDir):
    """One that is not listed."""

    __slots__ = ()

    listed = False


@dataclass(frozen=True, slots=True)
class Cover:
    """*source*, absolute or below the mount, put over the real *target*.

    What is real at *binds*, paths below *target*, is bound onto *source* first.
    """

    target: str
    source: str
    binds: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command mounts, and what it has answered.

    *release* is what uname(2) says, None: the host's. *device_tree*: what names a file in
    ``/proc/device-tree``. *traced*: the daemon itself shows device nodes as such.
    """

    covers: list[Cover]
    release: str | None
    device_tree: bool
    traced: bool


def plan(tree: Tree, root: str = "") -> list[Cover]:
    """Put place-holders into *tree* for what is real below *root*; the mounts to do."""
    tree.root.mkdirs("sys/devices/virtual")
    _plan_device_tree(tree, root)
    covers: list[Cover] = []
    for place in PLACES:
        node = _find(tree, place)
        if node is not None and not any(_inside(place, cover.source) for cover in covers):
            covers.extend(_plan_place(tree, root, place, node))
    return covers


def _plan_device_tree(tree: Tree, root: str) -> None:
    """The name that stands for ``/proc/device-tree`` (:mod:`proc_calls`), if there is none."""
    dev, base = _find(tree, "dev"), "sys/firmware/devicetree/base"
    there = os.path.lexists(f"{root}/proc/device-tree")
    if isinstance(dev, Dir) and _find(tree, base) and not there:
        dev.add(Path(os.fsdecode(DEVICE_TREE)).name, HiddenLink(f"/{base}"))


def has_device_tree(tree: Tree) -> bool:
    """Whether :func:`plan` made the name that stands for ``/proc/device-tree``."""
    return _find(tree, os.fsdecode(DEVICE_TREE).removeprefix("/")) is not None


def cover(covers: list[Cover], mountpoint: str) -> None:
    """Do the mounts; the tree is mounted on *mountpoint*. The working directory is kept."""
    where = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    path = _working_directory()
    try:
        for item in covers:
            _bind(item, f"{mountpoint}/{item.source}")
    finally:
        os.fchdir(where)
        os.close(where)
    for item in covers:
        _mount_real(item.target)
        source = item.source if item.source.startswith("/") else f"{mountpoint}/{item.source}"
        mount(source, item.target, MS_BIND | MS_REC)
    with suppress(OSError):  # it is gone: the command starts where its caller was
        os.chdir(path)


def _mount_real(target: str) -> None:
    """Below ours, a real one: so the mount table says debugfs, too. A user may not have it."""
    fstype = _REAL.get(target)
    if fstype is not None:
        with suppress(OSError):  # or it is there already
            mount(fstype, target, 0, fstype)


def _bind(item: Cover, place: str) -> None:
    if item.binds:
        os.chdir(place)
    for path in item.binds:
        mount(f"{item.target}/{path}", HIDDEN_DEV if path == "." else path, MS_BIND | MS_REC)
        if item.source == "dev" and not Path(path).is_dir():
            _keep_mode(path)


def _keep_mode(node: str) -> None:
    """Nothing in here, above all no udevd, changes the mode or the owner of a real device node.

    Who has no privilege over it cannot in any case.
    """
    with suppress(OSError):
        mount("none", node, MS_BIND | MS_REMOUNT | MS_RDONLY)


def _ours_alone(ours: Dir, path: str) -> bool:
    """Whether nothing real shines through at *path*, which is in the tree of *ours*."""
    tree = ours.tree
    return bool(OURS_ALONE.fullmatch(path)) or any(
        pattern.fullmatch(path) and tree is not None and _find(tree, f"sys/module/{name}")
        for name, pattern in MODULES_ALONE.items()
    )


def _find(tree: Tree, path: str) -> Node | None:
    node: Node | None = tree.root
    for name in path.split("/"):
        node = node.children.get(name) if isinstance(node, Dir) else None
    return node


def _working_directory() -> str:
    """Its name, as the shell knows it where that leads there; empty when it has none."""
    try:
        path = os.environ.get("PWD", "")
        return path if path and Path(path).samefile(".") else str(Path.cwd())
    except OSError:
        return ""


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + "/")


def _plan_place(tree: Tree, root: str, place: str, node: Node) -> Iterator[Cover]:
    real = f"{root}/{place}"
    if isinstance(node, Link):
        source = node.readlink()
        if Path(source).resolve() == Path(real).resolve():
            return
    else:
        source = place
    if Path(real).exists():
        binds = _merge(node, real, place) if isinstance(node, Dir) else []
        if place == "dev":
            binds = _plan_ptmx(node, real, binds)
        yield Cover(real, source, binds)
        return
    above, _, _ = place.rpartition("/")
    parent = _find(tree, above)
    if isinstance(parent, Dir) and above:
        yield from _plan_place(tree, root, above, parent)
        if source != place:  # a link would lead to where the command sees nothing
            parent.remove(node.name)
            parent.add(node.name, HeldDir())
            yield Cover(real, source)


def _plan_ptmx(dev: Node, real: str, binds: list[str]) -> list[str]:
    """``ptmx`` opens only next to ``pts``: that in there, or else the one of a whole ``/dev``."""
    if not isinstance(dev, Dir) or "ptmx" not in binds:
        return binds
    dev.remove("ptmx")
    binds = [path for path in binds if path != "ptmx"]
    if os.access(f"{real}/pts/ptmx", os.R_OK | os.W_OK):
        dev.add("ptmx", Link("pts/ptmx"))
        return binds
    dev.add("ptmx", Link(f"{HIDDEN_DEV}/ptmx"))
    dev.add(HIDDEN_DEV, HiddenDir())
    return [*binds, "."]


def _merge(ours: Dir, real: str, path: str, below: str = "") -> list[str]:
    """Place-holders in *ours* for what *real* holds; the paths to bind, relative to the place."""
    if _ours_alone(ours, path):
        return []
    binds: list[str] = []
    with os.scandir(real) as entries:
        for entry in entries:
            name = below + entry.name
            child = ours.children.get(entry.name)
            if child is None:
                if not _ours_alone(ours, f"{path}/{entry.name}"):
                    binds += _hold_place(ours, entry, name)
            elif isinstance(child, Dir) and entry.is_dir(follow_symlinks=False):
                binds += _merge(child, entry.path, f"{path}/{entry.name}", name + "/")
    return binds


def _hold_place(ours: Dir, entry: os.DirEntry[str], name: str) -> list[str]:
    if entry.is_symlink():
        ours.add(entry.name, HeldLink(str(Path(entry.path).readlink())))
        return []
    is_dir = entry.is_dir(follow_symlinks=False)
    ours.add(entry.name, HeldDir() if is_dir else HeldFile(0))
    return [name]
