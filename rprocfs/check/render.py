"""A report as text, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rprocfs.check.drawing import map_lines
from rprocfs.check.rsc_fields import RscField

BOLD, RED, YELLOW, GREEN, DIM = "1", "31", "33", "32", "2"
Paint = Callable[[str, str], str]


def render(report: Mapping[str, Any], *, coloured: bool = False) -> Iterator[str]:
    """The lines of a report."""

    def paint(style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if coloured else text

    report = printable(report)
    yield _verdict(report, paint)
    if report["elf"]:
        elf = "{class} {order} {machine}, entry {entry:#x}".format(**report["elf"])
        yield f"\n{paint(BOLD, 'image')}  {elf}, {report['size']} bytes"
        nowhere = "left to the driver" if report["boots"] else "in no memory"
        yield from (f"  {line}" for line in _segment_lines(report, nowhere))
    if any(memory["parts"] for memory in report["memories"]):
        yield "\n" + paint(BOLD, "memory")
        yield from (f"  {line}" for line in map_lines(report["memories"]))
    if report["table"]:
        yield "\n" + paint(BOLD, "resource table") + "  " + _table_line(report["table"])
        yield from (f"  {line}" for line in _part_lines(report["table"]["parts"]))
    if report["written"]:
        yield "\n" + paint(BOLD, "written back") + _written_to(report["table"])
        for change in report["written"]:
            yield "  +{offset:#05x}  {where}: {field} {old} -> {new}".format(**change)
    for finding in report["findings"]:
        yield from _finding_lines(finding, paint)


def _verdict(report: Mapping[str, Any], paint: Paint) -> str:
    who = f"{report['processor']} ({report['compatible']})"
    if not report["boots"]:
        verdict = paint(RED, f"refused with {report['errno']}")
        return f"{report['firmware']}: {verdict} by {who}, at {report['stage']}"
    count = sum(finding["severity"] == "warning" for finding in report["findings"])
    boots = paint(YELLOW if count else GREEN, "boots")
    doubt = f", with {count} warning{'s' * (count > 1)}" if count else ""
    return f"{report['firmware']}: {boots} on {who}{doubt}"


def printable(value: Any) -> Any:
    """*value* with nothing in it that a terminal would obey: names come from the image."""
    if isinstance(value, str):
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in value)
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list) else value


def _segment_lines(report: Mapping[str, Any], nowhere: str) -> Iterator[str]:
    looked = any(segment["looked_at"] for segment in report["segments"])
    for number, segment in enumerate(report["segments"]):
        other = nowhere if segment["looked_at"] or report["boots"] or not looked else ""
        where = segment["where"] or (other if looked or report["boots"] else "") or "not looked at"
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


def _written_to(table: Mapping[str, Any]) -> str:
    place = table["written_to"]
    return "" if place is None else "  at {da:#x}, {where}".format(**place)


def _part_lines(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        name = f"{'  ' if part['kind'] == 'vring' else ''}{part['kind']} {part['name']}".rstrip()
        fields = "  ".join(f"{key} {_text(key, value)}" for key, value in part["fields"].items())
        refused = f"refused: {part['refused']}" if part["refused"] else ""
        yield f"+{part['offset']:#05x}  {part['size']:4}  {name:16}  {fields}{refused}".rstrip()


def _text(key: str, value: int | str) -> str:
    return value if isinstance(value, str) else RscField(0, key, value).text


def _finding_lines(finding: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    heads = {
        "error": paint(RED, f"error {finding['errno']}"),
        "warning": paint(YELLOW, "note (warning)"),
        "note": paint(DIM, "note"),
    }
    yield f"\n{heads[finding['severity']]}  {finding['message'] or finding['meaning']}"
    if finding["message"] and finding["meaning"]:
        yield f"  means: {finding['meaning']}"
    if finding["remedy"]:
        yield f"  mend:  {finding['remedy']}"
