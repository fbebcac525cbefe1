"""An Armv7-R processor in a worker: the core, CP15 and its interrupt controller."""

from __future__ import annotations

import time
from functools import partial

from rprocfs.arch.armv7r.core import DATA_ABORT, PREFETCH_ABORT
from rprocfs.arch.armv7r.cp15 import DFAR, DFSR, IFAR, IFSR, SystemControl
from rprocfs.arch.armv7r.exceptions import NAMES, Dead
from rprocfs.engines.registers import system_line, to_line
from rprocfs.engines.unicorn.armv7r.core import Core
from rprocfs.engines.unicorn.armv7r.cpu import Cpu
from rprocfs.engines.unicorn.armv7r.target import CortexRTarget
from rprocfs.engines.unicorn.debugger import Debugger, DebugPort
from rprocfs.engines.unicorn.fault_log import FaultLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rprocfs.arch.armv7r.core import CortexR
    from rprocfs.arch.core import Boot
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ports import Socket
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.hw.clock import Clock
    from rprocfs.hw.peripherals import Peripherals

#: Vector -> the registers that say more.
STATUS = {PREFETCH_ABORT: ("ifsr", IFSR, "ifar", IFAR), DATA_ABORT: ("dfsr", DFSR, "dfar", DFAR)}


class CortexRParts:
    """See :class:`..parts.Parts`. It is told as it was at its last fault, if it died of it."""

    death = Dead

    def __init__(self, spec: CortexR, boot: Boot, unicorn: Unicorn, now: Clock) -> None:
        self._spec, self._unicorn, self._address = spec, unicorn, boot.address
        self._clock = now
        self.cpu = Cpu(unicorn)
        self.system = SystemControl(self.cpu, now, spec.cpu_hz, spec.number)
        self.controller = spec.controller(spec.number)
        self._log: FaultLog | None = None
        self._last: tuple[int, ...] = ()
        self._died = False

    @property
    def wires(self) -> dict[str, Any]:
        """To the interrupt controller."""
        return {"set_line": self.controller.set_line}

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
        self._log = FaultLog(self._status, debug, time.monotonic)
        core = Core(
            self._unicorn, self.cpu, ram, self.system, self.controller, peripherals, ports, now,
            self._address, self._fault, info,
        )  # fmt: skip
        core.clock, debugger = self._clock, ports[-2]
        assert isinstance(debugger, DebugPort), "it is the last but one"
        blocks = peripherals, self.controller
        target = partial(CortexRTarget, self._unicorn, self.cpu, ram, blocks)
        core.debugger = Debugger(debugger, core, self._unicorn, target, now)
        return core

    def _fault(self, vector: int, cause: str) -> None:
        self._last = self.cpu.registers()
        if self._log is not None:
            self._log(vector, cause)

    def _status(self, vector: int) -> tuple[str, str]:
        name, status, where, address = STATUS.get(vector, ("", (0, 0, 0, 0), "", (0, 0, 0, 0)))
        text = f"pc={self.cpu.pc:#x} cpsr={self.cpu.cpsr:#x}"
        if name:
            read = self.cpu.read_system
            text += f" {name}={read(status):#x} {where}={read(address):#x}"
        return NAMES[vector], text

    def told(self) -> str:
        """Its registers; of a core that died, those of its last fault."""
        values = self._last if self._died and self._last else self.cpu.registers()
        return to_line(values) + system_line(self.cpu.system())

    def why(self, death: Exception) -> str:
        """Its last fault, with the registers of that moment."""
        cause, vector = death.args
        values = self._last or self.cpu.registers()
        registers = f"pc={values[15]:#x} lr={values[14]:#x} sp={values[13]:#x} cpsr={values[16]:#x}"
        self._died = True
        return f"{cause} ({registers})\n{self._spec.crash_type(vector)}\n"
