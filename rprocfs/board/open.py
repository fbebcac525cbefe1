"""Load a board by its name, and run the system that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rprocfs.base.observe import NOTHING, Observe
from rprocfs.base.soc import soc_device_register
from rprocfs.board.board_file import check_device_names, check_modules, parse_board, read_rules
from rprocfs.board.configfs import remoteproc_configfs_init
from rprocfs.board.description import DEFAULT_BOARD, FIRMWARE_DIRECTORY, Board
from rprocfs.board.devicetree import is_dtb
from rprocfs.board.extends import ready_base
from rprocfs.board.ready import images, read_board
from rprocfs.board.show import show_init
from rprocfs.board.source import Source
from rprocfs.board.tree import load_tree
from rprocfs.board.udev import Udev
from rprocfs.devicetree.kobj import of_attach_tree
from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Owner
from rprocfs.kernel import DEFAULT, KernelVersion, find_kernel
from rprocfs.remoteproc.core import flush_auto_boot
from rprocfs.system import System

#: The longest wait, in seconds, for processors that boot by themselves before the board is shown.
AUTO_BOOT = 2.0


def load_board(name: str | None) -> Board:
    """Return the board in the file *name*, or the ready board *name*; None is the default one.

    CommandError names the file, the place in it and what is wrong there.
    """
    if name is None:
        return DEFAULT_BOARD
    path, content = read_board(name)
    if is_dtb(content):
        return _devicetree(path, content)
    board = parse_board(path, content)
    ready = ready_base(path, content)
    if ready is not None:
        return replace(board, firmware_lower=images(ready))
    if not Path(name).exists():  # of another package: its images are beside it
        return replace(board, firmware_lower=(str(Path(path).parent),))
    return board


def _devicetree(path: str, blob: bytes) -> Board:
    tree = load_tree(path, blob)
    source = Source(path, "")
    check_modules(source, tree.modules)
    check_device_names(source, tree.processors)
    source.finish()
    directory = tree.firmware_directory or FIRMWARE_DIRECTORY
    where = str(Path(path).parent.absolute() / directory)
    return Board(tree.processors, where, tree.modules, tree, aliases=tree.aliases)


def kernel_version(release: str | None) -> KernelVersion:
    """The kernel that answers as *release*; CommandError naming those there are."""
    try:
        return DEFAULT if release is None else find_kernel(release)
    except ValueError as failure:
        raise CommandError(f"kernel={failure}") from failure


@contextmanager
def open_board(
    path: str | None = None,
    *,
    strict: bool = False,
    console: bool = False,
    inputs: bool = False,
    kernel: str | None = None,
    firmware: str | None = None,
    configfs: bool = False,
    rules: str | None = None,
    owner: Owner | None = None,
    observe: Observe = NOTHING,
) -> Iterator[System]:
    """The running system of a board, until the block ends.

    *kernel* and *firmware*, the only directory of firmware files, come before the board's own;
    those of the file *rules* after them. Processors can be made by *configfs*, and have the
    file *console* and the directory *inputs*, unless strict, or if they are asked for.
    Everything is *owner*'s. *observe* says what is recorded. CommandError.
    """
    board = load_board(path)
    version = kernel_version(kernel or board.kernel)
    directory = firmware or board.firmware_directory
    lower = () if firmware else board.firmware_lower
    more = read_rules(rules) if rules is not None else ()
    with System(
        strict=strict, console=console, inputs=inputs, version=version,
        firmware=directory, firmware_lower=lower, owner=owner, observe=observe,
    ) as system:  # fmt: skip
        _load_modules(system, board.modules)
        udev = Udev(system.model, [*board.rules, *more], board.aliases)
        system.model.uevent_listeners.append(udev)
        if board.soc:
            soc_device_register(system.model, board.soc)
        if configfs or not strict:
            remoteproc_configfs_init(system, board.regions)
        if not strict:
            show_init(system, board)
        tree = board.devicetree
        if tree is not None:
            of_attach_tree(system.model.sys, tree.root, tree.blob)
        for number, processor in enumerate(board.processors):
            system.add_processor(processor, board.node(number))
        system.model.deferred.timeout()
        for rproc in system.remoteproc.rprocs:
            flush_auto_boot(rproc, AUTO_BOOT)
        yield system


def _load_modules(system: System, modules: tuple[str, ...]) -> None:
    for module in modules:
        try:
            system.modules.load(module)
        except OSError as failure:
            raise CommandError(f"modules: {module}: {failure.strerror}") from failure
