"""An image for a test, and what the kernel says to it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rprocfs.kernel import DEFAULT, SECTION_HEADERS_CHECKED, KernelVersion


class Stage(StrEnum):
    """How far a boot comes with an image."""

    REQUEST = "request"
    """The file is not loaded at all."""
    SANITY = "sanity"
    """Refused before `Booting fw image`."""
    PARSE = "parse"
    """The resource table is refused."""
    RESOURCES = "resources"
    """An entry of the table is refused."""
    CARVEOUTS = "carveouts"
    """A carveout cannot be had."""
    SEGMENTS = "segments"
    """A segment is refused."""
    RUNNING = "running"
    """It starts, though perhaps without one of its devices."""


@dataclass(frozen=True)
class Image:
    """An image, and what the kernel says to it.

    `log` are the lines that the processor itself logs because of it, beside `powering up`,
    `Booting fw image`, `is now up` and `Boot failed`; `{size:#x}` is the image's size. A
    kernel that does not check all section headers comes to `old_stage` and logs `old_log`.
    """

    why: str
    make: Callable[[], bytes]
    stage: Stage = Stage.RUNNING
    errno: int = 0
    log: tuple[str, ...] = ()
    old_stage: Stage | None = None
    old_log: tuple[str, ...] | None = None

    def stage_of(self, kernel: KernelVersion = DEFAULT) -> Stage:
        """How far that kernel comes."""
        old = not kernel.has(SECTION_HEADERS_CHECKED)
        return self.old_stage if old and self.old_stage else self.stage

    def log_of(self, kernel: KernelVersion = DEFAULT) -> list[str]:
        """What that kernel logs."""
        old = not kernel.has(SECTION_HEADERS_CHECKED)
        lines = self.old_log if old and self.old_log is not None else self.log
        return [line.format(size=len(self.make())) for line in lines]
