"""What differs between the parts of the i.MX 8M, and the numbers that do not."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rprocfs.hw.nxp.ccm import Source
    from rprocfs.hw.nxp.pll import Plls
    from rprocfs.hw.nxp.tmu import Layout

#: The core's side of the messaging unit.
MU_CORE = 0x30AB_0000
#: The RDC and its semaphores.
RDC_PAGES = (0x303B_0000, 0x303C_0000, 0x303D_0000)
# Where peripherals are: AIPS1 to 3; the bus fabric (GPV); AIPS4; DMA; between them is nothing.
RANGES = (
    (0x3000_0000, 0xC0_0000), (0x3200_0000, 0x80_0000), (0x32C0_0000, 0x40_0000),
    (0x3300_0000, 0x1_0000),
)  # fmt: skip
AIPS5 = (0x30C0_0000, 0x40_0000)
TCM_SIZE = 0x2_0000
#: The numbers of devices at the RDC, which refuses no access to itself.
PDAP = {
    "TMU": 6, "IOMUXC": 19, "IOMUXC_GPR": 20, "OCOTP": 21, "CCM_ANALOG": 22, "SNVS": 23, "CCM": 24,
    "SRC": 25, "GPC": 26, "SYSCNT_RD": 42,
    "UART4": 70, "MUA": 74, "MUB": 75, "SEMA4": 76, "UART1": 102, "UART3": 104, "UART2": 105,
    **{f"GPIO{number}": number - 1 for number in range(1, 6)},
    **{f"WDOG{number}": 7 + number for number in range(1, 4)},
    **{f"GPT{number}": 12 + number for number in range(1, 4)},
    **{f"GPT{number}": 52 - number for number in range(4, 7)},
    **{f"PWM{number}": 37 + number for number in range(1, 5)},
    **{f"I2C{number}": 65 + number for number in range(1, 5)},
    **{f"ECSPI{number}": 97 + number for number in range(1, 4)},
}  # fmt: skip


class Part:
    """What differs: its PLLs, the sources of the core's clock root, the roots as they are found.

    *tmu* is where the registers of temperatures are; *power* has the registers of the GPC that
    request power up and down, that of handshakes, and by how many bits their answers are above;
    *sdma* are the controllers, by name (base, interrupt, number at the RDC); *rdc* is how many
    masters, peripherals and regions the RDC has, and by how many bits their addresses are shifted;
    *regions* are those of each memory (first, count, resolution in bytes); *tcm* is (address of
    Linux, of the core) of both.
    """

    def __init__(
        self,
        *,
        plls: Callable[[], Plls],
        core: Sequence[Source],
        roots: Mapping[int, int],
        tmu: Layout,
        power: tuple[tuple[int, int], int, int],
        tcm: tuple[tuple[int, int], ...],
        sdma: Mapping[str, tuple[int, int, int]],
        regions: Mapping[str, tuple[int, int, int]],
        rdc: tuple[int, int, int, int] = (27, 118, 52, 0),
        aips5: bool = False,
    ) -> None:
        self.plls, self.core, self.roots = plls, core, roots
        self.tmu, self.power, self.tcm = tmu, power, tcm
        self.sdma, self.rdc, self.regions = sdma, rdc, regions
        self.aips5 = aips5

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Where its peripherals are."""
        return (*RANGES, AIPS5) if self.aips5 else RANGES
