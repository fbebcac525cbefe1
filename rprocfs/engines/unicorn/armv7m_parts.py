"""An Armv7-M processor in a worker: the core with its private peripherals."""

from __future__ import annotations

import time
from functools import partial

from rprocfs.arch.armv7m.cpu import IPSR_MASK
from rprocfs.arch.armv7m.exceptions import Lockup
from rprocfs.arch.armv7m.nvic import BUSFAULT, HARDFAULT, MEMMANAGE, USAGEFAULT
from rprocfs.arch.armv7m.scb import BFARVALID
from rprocfs.arch.armv7m.scs import SystemControlSpace
from rprocfs.engines.registers import system_line, to_line
from rprocfs.engines.unicorn.bus import Bus
from rprocfs.engines.unicorn.core import Core
from rprocfs.engines.unicorn.cpu import Cpu
from rprocfs.engines.unicorn.debugger import Debugger, DebugPort
from rprocfs.engines.unicorn.fault_log import FaultLog
from rprocfs.engines.unicorn.target import ArmTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rprocfs.arch.armv7m.core import CortexM
    from rprocfs.arch.core import Boot
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ports import Socket
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.hw.clock import Clock
    from rprocfs.hw.peripherals import Peripherals

SCR_SLEEPDEEP = 4
NAMES = {
    HARDFAULT: "HardFault",
    MEMMANAGE: "MemManage",
    BUSFAULT: "BusFault",
    USAGEFAULT: "UsageFault",
}


class CortexMParts:
    """See :class:`.parts.Parts`."""

    death = Lockup

    def __init__(
        self, spec: CortexM, boot: Boot, unicorn: Unicorn, now: Clock, reset: Callable[[], None]
    ) -> None:
        self._spec, self._unicorn, self._clock = spec, unicorn, now
        self.cpu = Cpu(unicorn)
        self.scs = SystemControlSpace(spec, boot.address, now, reset)

    @property
    def wires(self) -> dict[str, Any]:
        """To the NVIC, SysTick and SCR."""
        return {
            "set_line": self.scs.nvic.set_line,
            "clock": self.scs.set_clock,
            "deep": lambda: bool(self.scs.scb.scr & SCR_SLEEPDEEP),
        }

    def runner(
        self,
        ram: WorkerRam,
        peripherals: Peripherals,
        ports: tuple[Socket, ...],
        now: Callable[[], int],
        debug: Callable[[str], None],
        info: Callable[[str], None],
    ) -> Core:
        """What runs it."""
        faults = FaultLog(self._status, debug, time.monotonic)
        bus = Bus(self.scs, peripherals)
        core = Core(self._unicorn, self.cpu, ram, self.scs, bus, ports, now, faults, info)
        core.clock, debugger = self._clock, ports[-2]
        assert isinstance(debugger, DebugPort), "it is the last but one"
        blocks = bus.peripherals, self.scs
        target = partial(ArmTarget, self._spec.part, self._unicorn, self.cpu, ram, blocks)
        core.debugger = Debugger(debugger, core, self._unicorn, target, now)
        return core

    def _status(self, number: int) -> tuple[str, str]:
        scb = self.scs.scb
        bfar = f" bfar={scb.bfar:#x}" if scb.cfsr & BFARVALID else ""
        text = f"pc={self.cpu.pc:#x} cfsr={scb.cfsr:#x} hfsr={scb.hfsr:#x}{bfar}"
        return NAMES[number], text

    def told(self) -> str:
        """Its registers, and in a handler the process stack."""
        cpu = self.cpu
        psp = cpu.psp if cpu.xpsr & IPSR_MASK else None
        return to_line(cpu.registers(), psp) + system_line(cpu.system())

    def why(self, death: Exception) -> str:
        """A lockup, with the registers and the faults' status."""
        cpu, scb = self.cpu, self.scs.scb
        registers = (
            f"pc={cpu.pc:#x} lr={cpu.lr:#x} sp={cpu.sp:#x} xpsr={cpu.xpsr:#x} "
            f"cfsr={scb.cfsr:#x} hfsr={scb.hfsr:#x}"
        )
        return f"lockup: {death} ({registers})\n{self._spec.crash_type(scb.cfsr)}\n"
