"""i.MX 8M Mini, Nano, Plus and Quad: the Cortex-M beside Linux, as real firmware sees it.

==================== ==================================================================
0x00000000           TCML (ITCM of a Cortex-M7), 128 KiB: the vector table after a reset
0x1ffe0000           Mini and Quad: TCML again, then TCMU, 128 KiB each
0x20000000           TCMU (DTCM of a Cortex-M7)
0x00180000           OCRAM_S, also at 0x20180000
0x00900000           OCRAM, also at 0x20200000
0x40000000           DDR, 2 GiB; its first 256 MiB also at 0x10000000, but for their end
0x30000000           peripherals: AIPS1 to AIPS3, 0x32c00000 AIPS4, 0x30c00000 AIPS5 (Plus)
0x32000000           registers of the bus fabric (GPV), 8 MiB
0xe0082000           Mini and Quad: the cache controller of the Cortex-M4
==================== ==================================================================

Addresses, interrupts and registers are those of NXP's reference manuals (IMX8MMRM, IMX8MNRM,
IMX8MPRM, IMX8MDQLQRM); where Linux has the memories, the tables ``imx_rproc_att``. The boot loader
has run: system PLLs 1 to 3 are on, and the core has its clock. What has no model reads what was
written to it.
"""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.arch.armv7m.cortex_m7 import CortexM7
from rprocfs.hw.nxp.ccm import AHB, CORE, IPG, Ccm, root
from rprocfs.hw.nxp.lmem import Lmem
from rprocfs.hw.nxp.pll import Pll14xx, Sscg
from rprocfs.hw.nxp.tmu import MINI, PLUS, QUAD
from rprocfs.soc.imx8m_devices import devices, permissions
from rprocfs.soc.imx8m_part import Part
from rprocfs.soc.imx8m_peripherals import Imx8mPeripherals
from rprocfs.soc.machine import Bank, Machine, Region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rprocfs.hw.nxp.ccm import Source
    from rprocfs.hw.peripherals import Peripherals, Wires

K = 1 << 10
LMEM = 0xE008_2000
TCML, TCMU, TCM_BUS, TCM_SIZE = 0x0, 0x2000_0000, 0x7E_0000, 128 * K
OCRAM_S, OCRAM_S_DATA, OCRAM, OCRAM_DATA = 0x18_0000, 0x2018_0000, 0x90_0000, 0x2020_0000
DDR, DDR_SIZE, DDR_CODE, DDR_CODE_SIZE = 0x4000_0000, 0x8000_0000, 0x1000_0000, 0xFFE_0000
#: Where Linux takes memory from that may lie anywhere (``linux,cma``).
CMA = Region("cma", 0x7000_0000, 0x800_0000)


class Imx8m(Machine):
    """A machine of the *part*."""

    def __init__(
        self, part: Part, name: str, core: CortexM, tcm: Sequence[tuple[int, int, int]],
        ocram_s: int, ocram: int,
    ) -> None:  # fmt: skip
        self.part = part
        small = 2 * TCM_SIZE
        large = small + ocram_s
        ddr = 1 << 20  # behind the others
        banks = [Bank("tcm", da, size, at) for da, size, at in tcm]
        banks += [Bank("ocram_s", da, ocram_s, small) for da in (OCRAM_S, OCRAM_S_DATA)]
        banks += [Bank("ocram", da, ocram, large) for da in (OCRAM, OCRAM_DATA)]
        banks += [Bank("ddr", DDR, DDR_SIZE, ddr), Bank("ddr", DDR_CODE, DDR_CODE_SIZE, ddr)]
        bus = (
            Bank("tcm", TCM_BUS, 2 * TCM_SIZE, 0), Bank("ocram_s", OCRAM_S, ocram_s, small),
            Bank("ocram", OCRAM, ocram, large), Bank("ddr", DDR, DDR_SIZE, ddr),
        )  # fmt: skip
        source = f"{__name__}:{name.upper()}"
        super().__init__(
            name=name, source=source, cores=[core], banks=banks, bus=bus, dynamic=CMA, cma=True
        )

    def peripherals(self, wires: Wires) -> Peripherals:
        """All that there is."""
        return Imx8mPeripherals(
            wires, self.part, devices(self.part), permissions(self.part), (self.banks, self.bus)
        )


def _m4(hertz: int) -> CortexM:
    return CortexM(
        "cortex-m4", irqs=128, priority_bits=4, cpu_hz=hertz, ref_hz=hertz // 8, mpu_regions=8,
        vectors=TCML, private=((LMEM, Lmem),),
    )  # fmt: skip


def _m7(hertz: int, irqs: int, cache: int) -> CortexM7:
    return CortexM7(
        "cortex-m7", icache=cache, dcache=cache, itcm=TCM_SIZE, dtcm=TCM_SIZE, irqs=irqs,
        priority_bits=4, cpu_hz=hertz, ref_hz=hertz // 8, mpu_regions=16, vectors=TCML,
    )  # fmt: skip


def _roots(mux: int, post: int = 1) -> dict[int, int]:
    """The clock roots as U-Boot leaves them; *mux* and *post* are the core's."""
    others = {number: root() for number in (*range(94, 98), *range(103, 113))}  # UART, PWM, GPT
    return {CORE: root(mux, post=post), AHB: root(1), IPG: root(1, post=2), **others}


def _sources(third: Source) -> tuple[Source, ...]:
    return (
        ("osc", 1), ("sys2", 5), ("sys2", 4), third, ("sys1", 1), ("audio1", 1), ("video1", 1),
        ("sys3", 1),
    )  # fmt: skip


_M4_TCM = ((TCML, TCM_SIZE, 0), (0x1FFE_0000, 2 * TCM_SIZE, 0))
_M7_TCM = ((TCML, TCM_SIZE, 0), (TCMU, TCM_SIZE, TCM_SIZE))
_M4_BUS = ((TCM_BUS, 0x1FFE_0000), (TCM_BUS + TCM_SIZE, TCMU))
_M7_BUS = ((TCM_BUS, TCML), (TCM_BUS + TCM_SIZE, TCMU))
_SDMA = {"SDMA1": (0x30BD_0000, 2, 93), "SDMA2": (0x302C_0000, 103, 12)}
_SDMA_3 = {**_SDMA, "SDMA3": (0x302B_0000, 34, 11)}
_SDMA_MP = {
    "SDMA1": (0x30BD_0000, 2, 93), "SDMA2": (0x30E1_0000, 103, 73), "SDMA3": (0x30E0_0000, 34, 109),
}  # fmt: skip


def _regions(ddr: int, ocram: int, ocram_s: int) -> dict[str, tuple[int, int, int]]:
    """Which memory regions of the RDC are those of which memory, by the first of each.

    Those of the TCM are left out: the core's own way to it does not lead through the RDC.
    """
    return {"ddr": (ddr, 8, 4 * K), "ocram": (ocram, 5, 128), "ocram_s": (ocram_s, 5, 128)}


_MM = Part(
    plls=partial(Pll14xx, 0x82_4110), core=_sources(("sys1", 3)), roots=_roots(4, 2),
    tmu=MINI, power=((0xF8, 0x104), 0x1FC, 18), tcm=_M4_BUS, sdma=_SDMA_3,
    regions=_regions(0, 24, 29),
)  # fmt: skip
_MN = Part(
    plls=partial(Pll14xx, 0x82_4210), core=_sources(("vpu", 1)), roots=_roots(7),
    tmu=MINI, power=((0xF8, 0x104), 0x1FC, 18), tcm=_M7_BUS, sdma=_SDMA_3,
    regions=_regions(0, 16, 21),
)  # fmt: skip
_MP = Part(
    plls=partial(Pll14xx, 0x82_4311), core=_sources(("vpu", 1)), roots=_roots(4),
    tmu=PLUS, power=((0xD8, 0xE4), 0x190, 16), tcm=_M7_BUS, sdma=_SDMA_MP,
    regions=_regions(39, 12, 17), rdc=(40, 112, 77, 1), aips5=True,
)  # fmt: skip
_MQ = Part(
    plls=partial(Sscg, 0x82_4021), core=_sources(("sys1", 3)), roots=_roots(3),
    tmu=QUAD, power=((0xF8, 0x104), 0x1FC, 18), tcm=_M4_BUS, sdma=_SDMA,
    regions=_regions(0, 24, 29),
)  # fmt: skip


def _hz(part: Part) -> int:
    return Ccm(part.plls(), part.core, part.roots).core_hz


IMX8MM = Imx8m(_MM, "imx8mm", _m4(_hz(_MM)), _M4_TCM, 32 * K, 256 * K)
IMX8MN = Imx8m(_MN, "imx8mn", _m7(_hz(_MN), 128, 16 * K), _M7_TCM, 32 * K, 512 * K)
IMX8MP = Imx8m(_MP, "imx8mp", _m7(_hz(_MP), 160, 32 * K), _M7_TCM, 36 * K, 576 * K)
IMX8MQ = Imx8m(_MQ, "imx8mq", _m4(_hz(_MQ)), _M4_TCM, 32 * K, 128 * K)
