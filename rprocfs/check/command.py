"""``rprocfs check``: will this image boot, and if not, why not."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rprocfs.board import load_board
from rprocfs.board.ready import ready_boards
from rprocfs.check.dry_boot import DryBoot, dry_boot
from rprocfs.check.report import Finding, errno_name, findings
from rprocfs.check.rsc_fields import RscField, RscPart, rsc_changes, rsc_parts
from rprocfs.errors import CommandError
from rprocfs.system import System

if TYPE_CHECKING:
    from rprocfs.devicetree.node import OfNode

GOOD, REFUSED, TROUBLE = 0, 1, 2
#: Properties that would start something, or touch a file of a processor that runs.
IGNORED = {"auto-boot", "detached", "console-log", "gdb"}
BOLD, RED, YELLOW, GREEN, DIM = "1", "31", "33", "32", "2"


def check(subparsers: Any) -> None:
    """Add ``rprocfs check``."""
    parser = subparsers.add_parser(
        "check",
        help="say whether a firmware image boots, and if not, why",
        description="Do everything of a boot but start the processor, and explain what happens.",
        epilog="exit status: 0 it boots, 1 it is refused, 2 it could not be checked",
    )
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help=f"TOML, a devicetree, or a name: {', '.join(ready_boards())}",
    )
    parser.add_argument("--processor", metavar="NAME", help="its label; the board's first one")
    parser.add_argument("--json", action="store_true", help="the whole report for programs")
    parser.add_argument("firmware", metavar="FIRMWARE", help="the image, a path")
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Print the report; the exit status as ``--help`` says."""
    logging.getLogger("rprocfs").addHandler(logging.NullHandler())  # the report has the log
    try:
        properties, node = _processor(arguments.board, arguments.processor)
        report = make_report(arguments.firmware, properties, node)
    except CommandError as failure:
        print(f"rprocfs: {failure}", file=sys.stderr)
        return TROUBLE
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print("\n".join(render(report, coloured=coloured)))
    return GOOD if report["boots"] else REFUSED


def _processor(board: str | None, name: str | None) -> tuple[Mapping[str, Any], OfNode | None]:
    found = load_board(board)
    processors = found.processors
    if not processors:
        raise CommandError(f"{board}: no processor")
    if name is None:
        return processors[0], found.node(0)
    for number, properties in enumerate(processors):
        if properties.get("label") == name:
            return properties, found.node(number)
    known = ", ".join(str(properties.get("label", "(no label)")) for properties in processors)
    raise CommandError(f"no processor {name}, there are {known}")


def make_report(
    path: str, properties: Mapping[str, Any], node: OfNode | None = None
) -> dict[str, Any]:
    """All that is to say about the image at *path* on this processor. CommandError."""
    file = Path(path).absolute()
    if not file.is_file():
        raise CommandError(f"{path}: {'not a file' if file.exists() else 'no such file'}")
    if not os.access(file, os.R_OK):
        raise CommandError(f"{path}: permission denied")
    boot = _boot(file, {k: v for k, v in properties.items() if k not in IGNORED}, node)
    return {
        "firmware": path,
        "processor": properties.get("label", properties["compatible"]),
        "compatible": properties["compatible"],
        "boots": boot.errno == 0,
        "errno": errno_name(boot.errno) if boot.errno else None,
        "stage": str(boot.stage),
        **_image(boot),
        "findings": [_finding(finding) for finding in findings(boot)],
        "log": [record.text for record in boot.records],
    }


def _boot(file: Path, properties: Mapping[str, Any], node: OfNode | None) -> DryBoot:
    with System(firmware=file.parent) as system:
        device = system.add_processor({**properties, "auto-boot": False}, node)
        rprocs = system.remoteproc.rprocs
        if device.driver is None or not rprocs:
            said = "; ".join(record.text for record in system.model.kmsg.records())
            raise CommandError(f"the processor itself does not work: {said}")
        system.loader.path = str(file.parent)
        return dry_boot(rprocs[0], file.name)


def _image(boot: DryBoot) -> dict[str, Any]:
    facts = boot.facts
    if facts is None:
        return {"size": len(boot.fw), "elf": None, "segments": [], "table": None, "written": []}
    where = {(place.da, place.memsz): place.memory for place in boot.places}
    return {
        "size": len(boot.fw),
        "elf": {
            "class": facts.elf_class,
            "order": facts.order,
            "machine": facts.machine_name,
            "entry": facts.entry,
        },
        "segments": [
            {
                "da": segment.paddr,
                "memsz": segment.memsz,
                "filesz": segment.filesz,
                "access": segment.access,
                "vaddr": segment.vaddr,
                "where": where.get((segment.paddr, segment.memsz)),
                "looked_at": bool(boot.places),
            }
            for segment in facts.loads
        ],
        "table": _table(boot),
        "written": [
            {"where": place, "field": new.name, "offset": new.offset, "old": old.text,
             "new": new.text}
            for place, old, new in rsc_changes(boot.table, boot.written)
        ] if boot.table and boot.written else [],
    }  # fmt: skip


def _table(boot: DryBoot) -> dict[str, Any] | None:
    table = boot.drawn
    if not table or boot.facts is None:
        return None
    section = boot.facts.table
    return {
        "da": section.addr if section is not None else None,
        "size": len(table),
        "version": int.from_bytes(table[:4], "little"),
        "segment": boot.facts.loaded_by(section.addr, section.size) if section else None,
        "parts": [_part(part) for part in rsc_parts(table)],
    }


def _part(part: RscPart) -> dict[str, Any]:
    return {
        "offset": part.offset,
        "size": part.size,
        "kind": part.kind,
        "name": part.name,
        "fields": {field.name: _value(field) for field in part.fields},
        "refused": part.refused,
    }


def _value(field: RscField) -> int | str:
    return "any" if field.text == "any" else field.value


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "errno": errno_name(finding.errno) if finding.errno else None,
        "message": finding.message,
        "meaning": finding.meaning,
        "remedy": finding.remedy,
    }


# As text.


def render(report: Mapping[str, Any], *, coloured: bool = False) -> Iterator[str]:
    """The lines of a report, for people."""

    def paint(style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if coloured else text

    report = _printable(report)
    who = f"{report['processor']} ({report['compatible']})"
    if report["boots"]:
        yield f"{report['firmware']}: {paint(GREEN, 'boots')} on {who}"
    else:
        verdict = paint(RED, f"refused with {report['errno']}")
        yield f"{report['firmware']}: {verdict} by {who}, at {report['stage']}"
    if report["elf"]:
        elf = "{class} {order} {machine}, entry {entry:#x}".format(**report["elf"])
        yield f"\n{paint(BOLD, 'image')}  {elf}, {report['size']} bytes"
        nowhere = "left to the driver" if report["boots"] else "in no memory"
        yield from (f"  {line}" for line in _segment_lines(report["segments"], nowhere))
    if report["table"]:
        yield "\n" + paint(BOLD, "resource table") + "  " + _table_line(report["table"])
        yield from (f"  {line}" for line in _part_lines(report["table"]["parts"]))
    if report["written"]:
        yield "\n" + paint(BOLD, "written back")
        for change in report["written"]:
            yield "  +{offset:#05x}  {where}: {field} {old} -> {new}".format(**change)
    for finding in report["findings"]:
        yield from _finding_lines(finding, paint)


def _printable(value: Any) -> Any:
    """*value* with nothing in it that a terminal would obey: names come from the image."""
    if isinstance(value, str):
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in value)
    if isinstance(value, Mapping):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _segment_lines(segments: list[dict[str, Any]], nowhere: str) -> Iterator[str]:
    for number, segment in enumerate(segments):
        where = segment["where"] or (nowhere if segment["looked_at"] else "not looked at")
        runs = "" if segment["vaddr"] == segment["da"] else f", runs at {segment['vaddr']:#x}"
        sizes = "{memsz:#x} bytes, {filesz:#x} from the file".format(**segment)
        yield f"{number}  {segment['da']:#010x}  {segment['access']}  {sizes}: {where}{runs}"


def _table_line(table: Mapping[str, Any]) -> str:
    count = sum(part["kind"] != "vring" for part in table["parts"])
    loaded = "no segment" if table["segment"] is None else f"segment {table['segment']}"
    return (
        f"at {table['da']:#x}, {table['size']} bytes, version {table['version']}, "
        f"{count} entries, loaded by {loaded}"
    )


def _part_lines(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        name = f"{'  ' if part['kind'] == 'vring' else ''}{part['kind']} {part['name']}".rstrip()
        fields = "  ".join(f"{key} {_text(key, value)}" for key, value in part["fields"].items())
        refused = f"refused: {part['refused']}" if part["refused"] else ""
        yield f"+{part['offset']:#05x}  {part['size']:4}  {name:16}  {fields}{refused}".rstrip()


def _text(key: str, value: int | str) -> str:
    return value if isinstance(value, str) else RscField(0, key, value).text


def _finding_lines(finding: Mapping[str, Any], paint: Any) -> Iterator[str]:
    code = finding["errno"]
    head = paint(RED, f"error {code}") if code else paint(YELLOW, "note")
    yield f"\n{head}  {finding['message'] or finding['meaning']}"
    if finding["message"] and finding["meaning"]:
        yield f"  means: {finding['meaning']}"
    if finding["remedy"]:
        yield f"  mend:  {finding['remedy']}"
