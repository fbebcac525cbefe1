"""Boards as TOML files.

The keys are those of :mod:`.schema`. ::

    firmware-directory = "/lib/firmware"
    modules = ["virtio_console"]    # loaded from the start; else when a device asks for them

    [[remoteproc]]
    label = "m4"
    phandle = 7
    compatible = "rprocfs,cortex-m4"
    firmware-name = "rproc-m4-fw"
    memory-region = ["m4ram"]

    [[reserved-memory]]
    label = "m4ram"
    da = 0x21000000                 # where the processor sees it; pa, where the bus does
    size = 0x1000000

    [aliases]
    main = "m4"                     # dev/remoteproc/main

    [soc]
    family = "STM32MP1"

    [[rule]]
    node = "rpmsg[0-9]*"
    group = "dialout"
    mode = "0660"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rprocfs.base.module import UnknownModuleError
from rprocfs.base.property import Key
from rprocfs.board import schema
from rprocfs.board.description import FIRMWARE_DIRECTORY, Board
from rprocfs.board.extends import absolute_devices, extended, read_document
from rprocfs.board.keys import all_keys, processor_keys
from rprocfs.board.reserved import resolve_regions
from rprocfs.board.rules import Rule
from rprocfs.board.source import Place, Source, did_you_mean
from rprocfs.board.tree import board_tree
from rprocfs.errors import CommandError
from rprocfs.kernel import DEFAULT, find_kernel
from rprocfs.system import DRIVERS, MODULES, UnknownDriverError, find_driver, find_module

_FILE_NAME = re.compile(r"(?!\.{1,2}$)[!-.0-~]{1,255}")


def parse_board(path: str, content: bytes) -> Board:
    """Return the board that a file describes; CommandError names the file, line and key."""
    text, document = read_document(path, content)
    source = Source(path, text)
    document = source.check_keys((), document, schema.TOP)
    if "extends" in document:
        _check_own(source, document)
        source, document = Source(path, ""), extended(path, document)
    processors = [
        _processor(source, ("remoteproc", number), processor, "devicetree" in document)
        for number, processor in enumerate(document.get("remoteproc", []))
    ]
    tree = board_tree(source, document.get("devicetree"), processors)
    added = [processor for processor in processors if "compatible" in processor]
    if tree:
        processors = [*(_with_noes(known, processors) for known in tree.processors), *added]
    check_device_names(source, processors)
    _check_phandles(source, processors)
    modules = document.get("modules", [])
    check_modules(source, modules)
    directory = document.get("firmware-directory", FIRMWARE_DIRECTORY)
    found = Board(
        tuple(processors),
        str(Path(path).parent.absolute() / directory),
        tuple(modules),
        devicetree=tree,
        regions=resolve_regions(source, document.get("reserved-memory", []), added),
        kernel=_kernel(source, document.get("kernel")),
        soc=source.check_keys(("soc",), document.get("soc", {}), schema.SOC),
        aliases={
            **(tree.aliases if tree is not None else {}),
            **_aliases(source, document.get("aliases", {})),
        },
        rules=parse_rules(source, document),
    )
    source.finish()
    return found


def _with_noes(known: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A processor of a devicetree, with the keys that the file sets to false."""
    own = [table for table in said if table.get("label", "") == known.get("label")]
    return {
        **known,
        **{key: value for table in own for key, value in table.items() if value is False},
    }


def _check_own(source: Source, document: Mapping[str, Any]) -> None:
    """Check a file that extends another one by itself, so that complaints have its lines."""
    for number, processor in enumerate(document.get("remoteproc", [])):
        _processor(source, ("remoteproc", number), processor, tree=True)
    parse_rules(source, document)
    source.check_keys(("soc",), document.get("soc", {}), schema.SOC)
    _aliases(source, document.get("aliases", {}))
    source.finish()


def parse_rules(source: Source, document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the valid tables ``[[rule]]``."""
    rules = []
    for number, table in enumerate(document.get("rule", [])):
        try:
            rules.append(Rule.of(source.check_keys(("rule", number), table, schema.RULE)))
        except ValueError as failure:
            key, text = failure.args
            source.complain(("rule", number, key), text)
    return tuple(rules)


def read_rules(path: str) -> tuple[Rule, ...]:
    """Return the rules of a file that has only rules; CommandError."""
    try:
        text = Path(path).read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as failure:
        raise CommandError(f"{path}: {failure.strerror}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise CommandError(f"{path}: {failure}") from failure
    source = Source(path, text)
    document = source.check_keys((), document, {"rule": schema.TOP["rule"]})
    rules = parse_rules(source, document)
    source.finish()
    return rules


def check_device_names(source: Source, processors: Sequence[Mapping[str, Any]]) -> None:
    """Check that each is a path below sys/devices/platform with a unique last part."""
    taken: dict[str, int] = {}
    names = [str(processor.get("device-name", "")) for processor in processors]
    buses = {part for name in names for part in name.split("/")[:-1]}
    for number, processor in enumerate(processors):
        name = processor.get("device-name")
        if name is None:
            continue
        parts = name.split("/")
        place = ("remoteproc", number, "device-name")
        if not all(_FILE_NAME.fullmatch(part) for part in parts):
            source.complain(place, "must be a path below sys/devices/platform")
        elif parts[-1] in buses:
            source.complain(place, f"{parts[-1]} is a bus of another processor")
        first = taken.setdefault(parts[-1], number)
        if first != number:
            source.complain(place, f"{parts[-1]} is that of remoteproc[{first}]")


def _check_phandles(source: Source, processors: Sequence[Mapping[str, Any]]) -> None:
    """Check that the phandle of a processor is unique."""
    taken: dict[int, int] = {}
    for number, processor in enumerate(processors):
        if "phandle" in processor:
            first = taken.setdefault(processor["phandle"], number)
            if first != number:
                text = f"{processor['phandle']} is that of remoteproc[{first}]"
                source.complain(("remoteproc", number, "phandle"), text)


def check_modules(source: Source, modules: Sequence[str]) -> None:
    """Check that each of the modules exists."""
    for number, module in enumerate(modules):
        name = (module.split() or [""])[0]
        try:
            find_module(name)
        except UnknownModuleError:
            source.complain(
                ("modules", number), f"no module {name!r}" + did_you_mean(name, MODULES)
            )
        except CommandError as failure:
            source.complain(("modules", number), str(failure))


def _processor(
    source: Source, place: tuple[str, int], table: Mapping[str, Any], tree: bool
) -> dict[str, Any]:
    """Return the valid keys. With *tree*, a processor without ``compatible`` is one of it."""
    good = source.check_keys(place, table, _keys(table.get("compatible")))
    if "compatible" not in table and not tree:
        source.complain(place, "compatible is missing")
    elif "compatible" in good:
        _check_compatible(source, (*place, "compatible"), good["compatible"])
    for key, value in good.items():
        if isinstance(value, int) and not 0 <= value < 1 << 32:
            source.complain((*place, key), "must be 32 bits")
    found: dict[str, Any] = absolute_devices(Path(source.path).parent.absolute(), good)
    return found


def _keys(compatible: object) -> Mapping[str, Key]:
    """Return the keys of the driver, or of all drivers if the driver is not known."""
    try:
        return processor_keys(str(compatible))
    except (UnknownDriverError, CommandError):
        return all_keys()


def _check_compatible(source: Source, place: Place, compatible: str) -> None:
    try:
        find_driver(compatible)
    except UnknownDriverError:
        hint = did_you_mean(compatible, DRIVERS)
        source.complain(place, f"no driver for {compatible}{hint}")
    except CommandError as failure:
        source.complain(place, str(failure))


def _kernel(source: Source, release: str | None) -> str | None:
    try:
        find_kernel(release or DEFAULT.release)
    except ValueError as failure:
        source.complain(("kernel",), str(failure))
    return release


def _aliases(source: Source, aliases: Mapping[str, str]) -> Mapping[str, str]:
    for name, label in aliases.items():
        if not isinstance(label, str):
            source.complain(("aliases", name), "must be the label of a processor")
        elif not _FILE_NAME.fullmatch(name):
            source.complain(("aliases", name), "must be a name of a file")
    return aliases
