"""An instance of a SoC: its memory, and the power of its cores.

All cores of a SoC and the host see the same memory. A core is released in three steps, as most
reset controllers do. First *power* (the module reset) makes the memory accessible while the
core stands still. Then the host loads the memory. Last, the *local reset* of the core is
deasserted. The memory is lost when the last core loses power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rprocfs.base.dma import CmaPool, RegionPool
from rprocfs.engines.memory import SharedRam
from rprocfs.locking import LockClass, new_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.core import Boot
    from rprocfs.engines.engine import Engine
    from rprocfs.engines.worker import Worker
    from rprocfs.soc.machine import Machine


class Soc:
    """A SoC of the kind *machine*. *dma* hands out its dynamic memory; None: it has none.

    *senders* are for cores that send each other messages: a driver puts in there what sends
    one to a core, by its name.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.memory = SharedRam.of(machine)
        self.dma: RegionPool | None = None
        dynamic = machine.dynamic
        if dynamic is not None:
            bank = next(bank for bank in machine.banks if bank.holds(dynamic.da, dynamic.size))
            view = self.memory.at(bank.da, bank.size)
            pool = CmaPool if machine.cma else RegionPool
            self.dma = pool(view, bank.da, dynamic.da, dynamic.end)
        self.senders: dict[str, Callable[[int, bytes], bool]] = {}
        self.users = 0
        self._powered: set[str] = set()
        self._lock = new_lock(LockClass.SOC)

    def power_on(self, core: str) -> None:
        """Deassert the module's reset: memory can be loaded, and is zero if it had no power."""
        with self._lock:
            if not self._powered:
                self.memory.clear()
            self._powered.add(core)

    def power_off(self, core: str) -> None:
        """Assert the module's reset. Nothing happens to a core that has no power."""
        with self._lock:
            self._powered.discard(core)

    def release(self, engine: Engine, boot: Boot, **callbacks: Any) -> Worker:
        """Deassert the local reset of a core that has power: see :meth:`Engine.spawn`.

        :meth:`Worker.stop` asserts it again.
        """
        assert boot.core in self._powered, f"{boot.core} is released before it can be loaded"
        return engine.spawn(self.machine, self.memory, boot, **callbacks)

    def close(self) -> None:
        """Give the memory back, also while an open endpoint has a view of it."""
        self.dma = None
        self.memory.close()
