"""Match images with processors by their machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rprocfs.board import load_board
from rprocfs.board.ready import ready_boards
from rprocfs.check.elf_facts import machine_name
from rprocfs.check.finding import Cause
from rprocfs.system import find_driver

if TYPE_CHECKING:
    from rprocfs.check.dry_boot import DryBoot


def machines_of(properties: Mapping[str, Any]) -> tuple[int, ...]:
    """``e_machine`` of the images for this processor; empty: any, or unknown."""
    ask = getattr(find_driver(properties["compatible"]), "elf_machines", None)
    found: tuple[int, ...] = ask(properties) if ask is not None else ()
    return found


def fitting(processors: Sequence[Mapping[str, Any]], machine: int | None) -> int:
    """Which of them an image for *machine* is for: the first that executes such, or the first."""
    for number, properties in enumerate(processors):
        if machine in machines_of(properties):
            return number
    return 0


def machine_cause(boot: DryBoot, machines: Sequence[int]) -> Cause | None:
    """The cause if the image is for a machine other than *machines*."""
    if boot.facts is None or not machines or boot.facts.machine in machines:
        return None
    machine = boot.facts.machine
    ours = " or ".join(machine_name(number) for number in machines)
    boards = ", ".join(boards_for(machine)) or "none of the included ones"
    return Cause(
        f"The image is built for {machine_name(machine)}, this processor is {ours}: it cannot "
        "execute it.",
        "Build it for this processor, or choose the one that it is for (--processor). Boards for "
        f"{machine_name(machine)}: {boards}.",
    )


def boards_for(machine: int) -> list[str]:
    """The names of the ready boards that have a processor for *machine*."""
    return [
        name
        for name in ready_boards()
        if any(machine in machines_of(properties) for properties in load_board(name).processors)
    ]
