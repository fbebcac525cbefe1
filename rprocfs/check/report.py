"""The findings about an image, from a dry boot."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rprocfs.base.kmsg import Level
from rprocfs.base.printk_ringbuffer import Record
from rprocfs.check.causes import cause_of, silent_cause
from rprocfs.check.dry_boot import DryBoot
from rprocfs.check.explanations import SUMMARY
from rprocfs.check.finding import Cause, Finding, Severity, warning
from rprocfs.check.machines import machine_cause
from rprocfs.check.notices import notices

#: What a driver says that looks at the machine itself.
_MACHINE = "cannot run an image for machine"
#: The end of a probe that failed, by which the boot does not.
_PROBE = re.compile(r"probe with driver \S+ failed|probe of \S+ failed")
#: Warnings of the kernel's that something will not work.
_GRAVE = re.compile(r"unsupported resource|Allocated carveout doesn't fit")


def findings(boot: DryBoot, machines: Sequence[int] = ()) -> list[Finding]:
    """The kernel's complaints, explained, and the notices; the worst first.

    *machines* are those that the processor executes, empty: any.
    """
    other = machine_cause(boot, machines)
    said = list(_said(boot))
    if boot.errno and not any(finding.errno for finding in said):
        cause = silent_cause(boot)
        said.append(Finding(boot.errno, "", *cause, Severity.ERROR))
    if other is not None:
        said = [_of_machine(finding, other) for finding in said]
        said += [] if any(_MACHINE in finding.message for finding in said) else [warning(other)]
    order = list(Severity)
    once: dict[tuple[str, ...], Finding] = {}
    for finding in [*said, *notices(boot)]:
        once.setdefault(_subject(finding), finding)
    return sorted(once.values(), key=lambda finding: order.index(finding.severity))


def _subject(finding: Finding) -> tuple[str, ...]:
    """What it is about: the kernel often says one thing in two lines."""
    about = finding.meaning or finding.message
    return finding.severity, about, finding.remedy


def _of_machine(finding: Finding, other: Cause) -> Finding:
    """The driver's own complaint of it, explained."""
    if _MACHINE not in finding.message:
        return finding
    return replace(finding, meaning=other.meaning, remedy=other.remedy)


def _said(boot: DryBoot) -> Iterator[Finding]:
    grave = [record for record in boot.records if record.level <= Level.WARNING]
    lines = [record.text.split(": ", 1)[-1] for record in grave]
    survived = max((n for n, line in enumerate(lines) if _PROBE.match(line)), default=-1)
    for number, (record, line) in enumerate(zip(grave, lines, strict=True)):
        if not SUMMARY.match(line):
            refused = number > survived and _is_refusal(boot, record)
            yield _finding(boot, record, line, boot.errno if refused else 0)


def _is_refusal(boot: DryBoot, record: Record) -> bool:
    """Whether it is the reason of a failed boot, and not a complaint after which it went on."""
    return record.level <= Level.ERR and boot.stage_of(record) is boot.stage


def _finding(boot: DryBoot, record: Record, line: str, code: int) -> Finding:
    severity = Severity.ERROR if code else Severity.NOTE
    if not code and (record.level <= Level.ERR or _GRAVE.match(line)):
        severity = Severity.WARNING
    return Finding(code, line, *cause_of(boot, line), severity)


def errno_name(number: int) -> str:
    """``EINVAL``; the number if it has no name."""
    return errno.errorcode.get(number, str(number))
