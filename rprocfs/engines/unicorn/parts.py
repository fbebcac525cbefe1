"""What a worker's processor is made of, by architecture."""

from __future__ import annotations

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.arch.armv7r.core import CortexR
from rprocfs.engines.unicorn.armv7m_parts import CortexMParts
from rprocfs.engines.unicorn.armv7r.parts import CortexRParts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from rprocfs.arch.core import Boot, CoreSpec
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ports import Socket
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.engines.unicorn.runner import Runner
    from rprocfs.hw.clock import Clock
    from rprocfs.hw.peripherals import Peripherals

    class Parts(Protocol):
        """A processor."""

        @property
        def death(self) -> type[Exception]:
            """What it dies by."""

        @property
        def wires(self) -> dict[str, Any]:
            """What its peripherals are wired to: see :class:`~rprocfs.hw.peripherals.Wires`."""

        def runner(
            self,
            ram: WorkerRam,
            peripherals: Peripherals,
            ports: tuple[Socket, ...],
            now: Callable[[], int],
            debug: Callable[[str], None],
            info: Callable[[str], None],
        ) -> Runner:
            """What runs it."""

        def told(self) -> str:
            """Its registers, a line for the parent."""

        def why(self, death: Exception) -> str:
            """The reason of its *death*, and the type of the crash, a line each."""


def parts(
    core: CoreSpec, boot: Boot, unicorn: Unicorn, now: Clock, reset: Callable[[], None]
) -> Parts:
    """Those of *core*, whose request to be reset calls *reset*. TypeError: there are none."""
    if isinstance(core, CortexM):
        return CortexMParts(core, boot, unicorn, now, reset)
    if isinstance(core, CortexR):
        return CortexRParts(core, boot, unicorn, now)
    raise TypeError(f"Unicorn executes no {core.part}")
