"""Boards: what processors a system has, as a TOML file says or by default.

A board file holds one table a processor and, optionally, one a memory region; the
keys are those of a devicetree::

    firmware-directory = "/lib/firmware"
    modules = ["virtio_console"]    # loaded from the start; else when a device asks for them

    [[remoteproc]]
    label = "m4"
    phandle = 7
    compatible = "rprocfs,cortex-m4"
    firmware-name = "rproc-m4-fw"
    auto-boot = false
    memory-region = ["m4ram"]

    [[reserved-memory]]
    label = "m4ram"
    da = 0x21000000                 # where the processor sees it; pa, where the bus does
    size = 0x1000000

A flattened devicetree (``.dtb``) is one, too, and the boards that come along have names.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rprocfs.base.module import UnknownModuleError
from rprocfs.boards.configfs import remoteproc_configfs_init
from rprocfs.boards.dtb import Devicetree, is_dtb, read_dtb
from rprocfs.boards.ready import read_board
from rprocfs.boards.reserved import REGION_KEYS, resolve_regions
from rprocfs.devicetree.kobj import of_attach_tree
from rprocfs.errors import CommandError
from rprocfs.kernel import KERNELS, KernelVersion
from rprocfs.system import MODULES, System, UnknownDriverError, find_driver, find_module

#: The keys of ``[[remoteproc]]`` and their types.
KEYS: Mapping[str, type] = {
    "label": str,
    "phandle": int,
    "compatible": str,
    "firmware-name": str,
    "auto-boot": bool,
    "services": str,
    "memory": str,
    "engine": str,
    "watchdog-ms": int,
    "allow-native": bool,
    "cpu-seconds": int,
    "console-log": str,
    "gdb": str,
    "detached": bool,
    "sysfs-read-only": bool,
    "lenient": bool,
    "attach-on-recovery": bool,
    "no-elf-info": bool,
    "recovery-disabled": bool,
    "device-name": str,
    "memory-region": object,
}

#: The keys of the file itself.
TOP_KEYS: Mapping[str, type] = {
    "description": str,
    "firmware-directory": str,
    "modules": object,
    "remoteproc": list,
    "reserved-memory": list,
}

#: Where a board file's processors look for firmware unless it says otherwise.
FIRMWARE_DIRECTORY = "/lib/firmware"


@dataclass(frozen=True, slots=True)
class Board:
    """A description that was found to be good; *firmware_directory* None: the package's own."""

    processors: tuple[Mapping[str, Any], ...]
    firmware_directory: str | None = None
    modules: tuple[str, ...] = ()
    devicetree: Devicetree | None = None
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


DEFAULT_BOARD = Board(
    (
        {"label": "m4", "phandle": 1, "compatible": "rprocfs,cortex-m4"},
        {
            "label": "sim",
            "phandle": 2,
            "compatible": "rprocfs,sim",
            "memory": "any",
            "lenient": True,
            "services": "rpmsg-raw@1024",
        },
    )
)


def load_board(name: str | None) -> Board:
    """The board that the file *name* describes, or that is called so; the default one for None.

    CommandError names the file, the key and what is wrong with it.
    """
    if name is None:
        return DEFAULT_BOARD
    path, content = read_board(name)
    return _devicetree(path, content) if is_dtb(content) else _toml(path, content)


def _devicetree(path: str, blob: bytes) -> Board:
    tree = read_dtb(path, blob, KEYS, _has_driver)
    _check_modules(path, list(tree.modules))
    _check_device_names(path, tree.processors)
    directory = tree.firmware_directory or FIRMWARE_DIRECTORY
    where = str(Path(path).parent.absolute() / directory)
    return Board(tree.processors, where, tree.modules, tree)


def _has_driver(compatible: str) -> bool:
    try:
        find_driver(compatible)
    except UnknownDriverError:
        return False
    return True


def _toml(path: str, content: bytes) -> Board:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise CommandError(f"{path}: {failure}") from failure
    _check_keys(path, "", document, TOP_KEYS)
    processors = document.get("remoteproc", [])
    for number, processor in enumerate(processors):
        _check_processor(path, f"remoteproc[{number}]", processor)
    _check_device_names(path, processors)
    regions = document.get("reserved-memory", [])
    for number, region in enumerate(regions):
        if not isinstance(region, dict):
            raise CommandError(f"{path}: reserved-memory[{number}]: must be a table")
        _check_keys(path, f"reserved-memory[{number}].", region, REGION_KEYS)
    known = resolve_regions(path, regions, processors)
    modules = document.get("modules", [])
    _check_modules(path, modules)
    directory = document.get("firmware-directory", FIRMWARE_DIRECTORY)
    where = str(Path(path).parent.absolute() / directory)
    return Board(tuple(processors), where, tuple(modules), regions=known)


def _check_processor(path: str, where: str, processor: object) -> None:
    if not isinstance(processor, dict):
        raise CommandError(f"{path}: {where}: must be a table, write [[remoteproc]]")
    _check_keys(path, f"{where}.", processor, KEYS)
    compatible = processor.get("compatible")
    if compatible is None:
        raise CommandError(f"{path}: {where}: compatible is missing")
    try:
        find_driver(compatible)
    except UnknownDriverError as failure:
        raise CommandError(f"{path}: {where}.compatible: no driver for {failure}") from failure


def _check_device_names(path: str, processors: Sequence[Mapping[str, Any]]) -> None:
    """Each is a path below sys/devices/platform, whose last part nobody else has."""
    taken: dict[str, int] = {}
    names = [str(processor.get("device-name", "")) for processor in processors]
    buses = {part for name in names for part in name.split("/")[:-1]}
    for number, processor in enumerate(processors):
        name = processor.get("device-name")
        if name is None:
            continue
        parts = name.split("/")
        where = f"{path}: remoteproc[{number}].device-name"
        if not all(_FILE_NAME.fullmatch(part) for part in parts):
            raise CommandError(f"{where}: must be a path below sys/devices/platform")
        if parts[-1] in buses:
            raise CommandError(f"{where}: {parts[-1]} is a bus of another processor")
        first = taken.setdefault(parts[-1], number)
        if first != number:
            raise CommandError(f"{where}: {parts[-1]} is that of remoteproc[{first}]")


def _check_modules(path: str, modules: object) -> None:
    if not isinstance(modules, list) or not all(isinstance(word, str) for word in modules):
        raise CommandError(f"{path}: modules: must be a list of strings, NAME [PARAMETER=VALUE]")
    for number, module in enumerate(modules):
        name = (module.split() or [""])[0]
        try:
            find_module(name)
        except UnknownModuleError as failure:
            near = difflib.get_close_matches(name, MODULES, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise CommandError(f"{path}: modules[{number}]: no module {name!r}{hint}") from failure


def _load_modules(system: System, modules: Sequence[str]) -> None:
    for module in modules:
        try:
            system.modules.load(module)
        except OSError as failure:
            raise CommandError(f"modules: {module}: {failure.strerror}") from failure


def _check_keys(path: str, where: str, table: Mapping[str, Any], known: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise CommandError(f"{path}: {where}{key}: unknown key{hint}")
        kind = known[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CommandError(f"{path}: {where}{key}: must be {_NAMES[kind]}")


_NAMES = {str: "a string", int: "a number", bool: "true or false", list: "tables"}
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[!-.0-~]{1,255}")


def kernel_version(release: str) -> KernelVersion:
    """The kernel that answers as *release*; CommandError naming those there are."""
    for version in KERNELS:
        if version.release == release:
            return version
    known = ", ".join(version.release for version in KERNELS)
    raise CommandError(f"kernel={release}: unknown, there are {known}")


@contextmanager
def open_board(
    path: str | None = None,
    *,
    strict: bool = False,
    kernel: str = KERNELS[-1].release,
    firmware: str | None = None,
    configfs: bool = False,
) -> Iterator[System]:
    """The running system of a board, until the block ends.

    *firmware* is the directory of firmware files, instead of the board's. Processors can be
    made by *configfs* unless strict, or where that is asked for. CommandError.
    """
    board = load_board(path)
    directory = firmware or board.firmware_directory
    with System(strict=strict, version=kernel_version(kernel), firmware=directory) as system:
        _load_modules(system, board.modules)
        if configfs or not strict:
            remoteproc_configfs_init(system, KEYS, board.regions)
        tree = board.devicetree
        if tree is not None:
            of_attach_tree(system.model.sys, tree.root, tree.blob)
        for number, processor in enumerate(board.processors):
            system.add_processor(processor, tree.nodes[number] if tree is not None else None)
        yield system
