"""The rooms and who may know whom: nothing lower imports anything higher."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: room -> the rooms below it that it may import. `errors`, `entry_point` and `kernel` are modules.
ALLOWED = {
    "errors": set(),
    "entry_point": {"errors"},
    "kernel": set(),
    "locking": set(),
    "lib": set(),
    "fs": set(),
    "devicetree": {"fs"},
    "base": {"fs", "kernel", "devicetree"},
    "tracing": {"base", "errors"},
    "tty": {"fs", "base"},
    "virtio": {"fs", "base", "kernel", "tty"},
    "rpmsg": {"fs", "base", "virtio", "kernel", "tty"},
    "remoteproc": {"fs", "base", "virtio", "kernel"},
    "debuginfo": set(),
    "coverage": {"debuginfo", "errors"},
    "profiling": {"debuginfo", "engines", "errors"},
    "hw": set(),
    "arch": {"hw"},
    "soc": {"arch", "hw"},
    "engines": {"arch", "hw", "soc"},
    "drivers": {
        "fs", "base", "devicetree", "virtio", "rpmsg", "remoteproc", "arch", "hw", "soc",
        "engines", "kernel", "debuginfo", "coverage", "profiling",
    },
    "system": {
        "entry_point", "fs", "base", "devicetree", "virtio", "rpmsg", "remoteproc", "kernel",
    },
    "board": {
        "devicetree", "entry_point", "fs", "base", "errors", "kernel", "remoteproc", "system",
    },
    "check": {"errors", "base", "board", "devicetree", "system", "remoteproc"},
    "commands": {
        "errors", "coverage", "debuginfo", "tracing", "profiling", "fs", "soc", "system", "board",
        "remoteproc",
    },
    "record": {"errors", "board"},
    "cli": {"entry_point", "errors"},
    "__main__": {"cli"},
    # The public names, for the type checkers and when they are asked for.
    "__init__": {"base", "kernel", "remoteproc", "rpmsg", "system", "virtio"},
}  # fmt: skip
#: The far side of things, for everybody's tests: knows all.
ALLOWED["testing"] = set(ALLOWED)


def _room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "rprocfs" and len(parts) > 1 else None


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted((ROOT / "rprocfs").rglob("*.py")), ids=str)
def test_framework(path):
    room = path.relative_to(ROOT / "rprocfs").parts[0].removesuffix(".py")
    for module in _imports(path):
        other = _room(module)
        if other is not None and other in ALLOWED and other != room:
            assert other in ALLOWED[room] | FOR_ALL, f"{room} imports {other} ({module})"
        assert not module.startswith("rprocfs_fuse"), "the framework knows nothing of FUSE"


@pytest.mark.parametrize("path", sorted((ROOT / "rprocfs" / "remoteproc").glob("*.py")), ids=str)
def test_rpmsg_and_remoteproc_meet_only_on_the_virtio_bus(path):
    assert not any(_room(module) == "rpmsg" for module in _imports(path))


#: The same for mount/rprocfs_fuse: its modules and packages, the lowest first.
MOUNT = {
    "__init__": set(),
    "linux": set(),
    "permission": set(),
    "mountpoint": {"linux"},
    "mounted": {"mountpoint"},
    "operations": {"permission"},
    "transport": {"mounted", "mountpoint"},
    "waiting": {"operations"},
    "protocol": {"mounted", "mountpoint", "operations", "permission", "waiting"},
    "fusepy": {"linux", "mounted", "mountpoint", "operations", "permission", "protocol", "waiting"},
    "command": {"mountpoint", "operations", "transport"},
    "run": {"command", "linux", "mounted", "mountpoint", "operations", "transport"},
    "testing": set(),
}
#: What every room of both may import.
FOR_ALL = {"lib", "locking"}
#: What they may import of the framework: a transport knows the tree and nothing in it.
MOUNT_OF_FRAMEWORK = dict.fromkeys(MOUNT, frozenset({"errors", "fs"})) | {
    "command": {"base", "board", "cli", "errors", "fs", "kernel"},
    "run": {"base", "board", "errors", "fs", "rpmsg", "system", "tty"},
    "protocol": {"base", "errors", "fs"},  # a workqueue
    "fusepy": {"base", "errors", "fs"},  # the same
    "testing": {"coverage", "errors"},
}


#: What a lab may import of both: it starts boards and reaches them, and knows no part of them.
LABGRID = {"rprocfs_fuse.testing.keeper", "rprocfs_fuse.testing.keeper.Keeper"}


@pytest.mark.parametrize("path", sorted((ROOT / "mount/rprocfs_labgrid").rglob("*.py")), ids=str)
def test_labgrid(path):
    ours = {module for module in _imports(path) if re.match(r"rprocfs(_fuse)?\b", module)}
    assert ours <= LABGRID


def test_only_labgrid_needs_labgrid():
    for path in [*(ROOT / "rprocfs").rglob("*.py"), *(ROOT / "mount/rprocfs_fuse").rglob("*.py")]:
        assert not any("labgrid" in module for module in _imports(path)), path


@pytest.mark.parametrize("path", sorted((ROOT / "mount/rprocfs_fuse").rglob("*.py")), ids=str)
def test_mount(path):
    room = path.relative_to(ROOT / "mount" / "rprocfs_fuse").parts[0].removesuffix(".py")
    for module in _imports(path):
        package, _, rest = module.partition(".")
        other = rest.partition(".")[0]
        if package == "rprocfs_fuse" and other in MOUNT and other != room:
            assert other in MOUNT[room], f"{room} imports {other} ({module})"
        if package == "rprocfs" and other in ALLOWED:
            assert other in MOUNT_OF_FRAMEWORK[room] | FOR_ALL, f"{room} imports {module}"


def test_every_room_of_mount_has_its_rules():
    there = {path.stem for path in (ROOT / "mount" / "rprocfs_fuse").glob("*.py")}
    there |= {p.parent.name for p in (ROOT / "mount" / "rprocfs_fuse").glob("*/__init__.py")}
    assert there == set(MOUNT)


def test_every_room_has_its_rules():
    rooms = {
        path.stem
        for path in (ROOT / "rprocfs").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms <= set(ALLOWED), rooms - set(ALLOWED)


def test_the_sans_io_modules_do_no_io():
    for name in (
        "virtio/ring.py",
        "virtio/device_ring.py",
        "rpmsg/hdr.py",
        "remoteproc/rsc_table.py",
        "remoteproc/elf_loader.py",
        "devicetree/fdt.py",
    ):
        roots = {module.split(".")[0] for module in _imports(ROOT / "rprocfs" / name)}
        assert not roots & {"threading", "socket", "logging", "subprocess", "mmap"}, name
