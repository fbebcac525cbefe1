"""Where a core of an i.MX sees the memories of the system -- drivers/remoteproc/imx_rproc.c.

The tables ``imx_rproc_att_*`` of Linux 6.12. Entries are looked at in their order: the first one
that holds an address decides.
"""

from __future__ import annotations

from typing import NamedTuple


class Att(NamedTuple):
    """``struct imx_rproc_att``: *size* bytes at *da* of the core are at *sa* of the bus.

    *own*: ``ATT_OWN``, mapped by the driver at its probe. *core*: the only core that has it
    (``ATT_CORE``), None: each has. The kernel's third flag, ``ATT_IOMEM``, says how to access
    them, which makes no difference here.
    """

    da: int
    sa: int
    size: int
    own: bool = False
    core: int | None = None


OWN = True

IMX93 = (
    Att(0x0FFC0000, 0x201C0000, 0x40000, OWN),  # TCM code, not secure
    Att(0x1FFC0000, 0x201C0000, 0x40000, OWN),  # TCM code, secure
    Att(0x20000000, 0x20200000, 0x40000, OWN),  # TCM system, not secure
    Att(0x30000000, 0x20200000, 0x40000, OWN),  # TCM system, secure
    Att(0x80000000, 0x80000000, 0x10000000),  # DDR
    Att(0x90000000, 0x80000000, 0x10000000),
    Att(0xC0000000, 0xC0000000, 0x10000000),
    Att(0xD0000000, 0xC0000000, 0x10000000),
)

IMX8QM = (
    Att(0x08000000, 0x08000000, 0x10000000),
    Att(0x1FFE0000, 0x34FE0000, 0x20000, OWN, 0),  # TCML
    Att(0x1FFE0000, 0x38FE0000, 0x20000, OWN, 1),
    Att(0x20000000, 0x35000000, 0x20000, OWN, 0),  # TCMU
    Att(0x20000000, 0x39000000, 0x20000, OWN, 1),
    Att(0x80000000, 0x80000000, 0x60000000),  # DDR
)

IMX8QXP = (
    Att(0x08000000, 0x08000000, 0x10000000),
    Att(0x1FFE0000, 0x34FE0000, 0x40000, OWN),  # TCML, TCMU
    Att(0x21000000, 0x00100000, 0x18000),  # OCRAM, the lower 96 KiB
    Att(0x21100000, 0x00100000, 0x40000),  # OCRAM
    Att(0x80000000, 0x80000000, 0x60000000),  # DDR
)

IMX8MN = (
    Att(0x00000000, 0x007E0000, 0x20000, OWN),  # ITCM
    Att(0x00180000, 0x00180000, 0x9000),  # OCRAM_S
    Att(0x00900000, 0x00900000, 0x20000),  # OCRAM
    Att(0x00920000, 0x00920000, 0x20000),
    Att(0x00940000, 0x00940000, 0x50000),
    Att(0x08000000, 0x08000000, 0x8000000),  # QSPI
    Att(0x10000000, 0x40000000, 0xFFE0000),  # DDR, as code
    Att(0x20000000, 0x00800000, 0x20000, OWN),  # DTCM
    Att(0x20180000, 0x00180000, 0x8000, OWN),  # OCRAM_S, as data
    Att(0x20200000, 0x00900000, 0x20000, OWN),  # OCRAM, as data
    Att(0x20220000, 0x00920000, 0x20000, OWN),
    Att(0x20240000, 0x00940000, 0x40000, OWN),
    Att(0x40000000, 0x40000000, 0x80000000),  # DDR, as data
)

IMX8MQ = (
    Att(0x00000000, 0x007E0000, 0x20000),  # TCML
    Att(0x00180000, 0x00180000, 0x8000),  # OCRAM_S
    Att(0x00900000, 0x00900000, 0x20000),  # OCRAM
    Att(0x00920000, 0x00920000, 0x20000),
    Att(0x08000000, 0x08000000, 0x8000000),  # QSPI
    Att(0x10000000, 0x40000000, 0xFFE0000),  # DDR, as code
    Att(0x1FFE0000, 0x007E0000, 0x40000, OWN),  # TCML, TCMU
    Att(0x20180000, 0x00180000, 0x8000, OWN),  # OCRAM_S, as data
    Att(0x20200000, 0x00900000, 0x20000, OWN),  # OCRAM, as data
    Att(0x20220000, 0x00920000, 0x20000, OWN),
    Att(0x40000000, 0x40000000, 0x80000000),  # DDR, as data
)

IMX8ULP = (
    Att(0x1FFC0000, 0x1FFC0000, 0xC0000, OWN),
    Att(0x21000000, 0x21000000, 0x10000, OWN),
    Att(0x80000000, 0x80000000, 0x60000000),
)

IMX7ULP = (
    Att(0x1FFD0000, 0x1FFD0000, 0x30000, OWN),
    Att(0x20000000, 0x20000000, 0x10000, OWN),
    Att(0x2F000000, 0x2F000000, 0x20000, OWN),
    Att(0x2F020000, 0x2F020000, 0x20000, OWN),
    Att(0x60000000, 0x60000000, 0x40000000),
)

IMX7D = (
    Att(0x00000000, 0x00180000, 0x8000),  # OCRAM_S, where it boots
    Att(0x00180000, 0x00180000, 0x8000, OWN),  # OCRAM_S
    Att(0x00900000, 0x00900000, 0x20000),  # OCRAM
    Att(0x00920000, 0x00920000, 0x20000),  # OCRAM_EPDC
    Att(0x00940000, 0x00940000, 0x8000),  # OCRAM_PXP
    Att(0x1FFF8000, 0x007F8000, 0x8000, OWN),  # TCML
    Att(0x10000000, 0x80000000, 0xFFF0000),  # DDR, as code
    Att(0x20000000, 0x00800000, 0x8000, OWN),  # TCMU
    Att(0x20200000, 0x00900000, 0x20000),  # OCRAM, as data
    Att(0x20220000, 0x00920000, 0x20000),  # OCRAM_EPDC, as data
    Att(0x20240000, 0x00940000, 0x8000),  # OCRAM_PXP, as data
    Att(0x80000000, 0x80000000, 0x60000000),  # DDR, as data
)

IMX6SX = (
    Att(0x00000000, 0x007F8000, 0x8000),  # TCML, where it boots
    Att(0x00180000, 0x008F8000, 0x4000),  # OCRAM_S
    Att(0x00180000, 0x008FC000, 0x4000),  # OCRAM_S
    Att(0x1FFF8000, 0x007F8000, 0x8000, OWN),  # TCML
    Att(0x10000000, 0x80000000, 0xFFF8000),  # DDR, as code
    Att(0x20000000, 0x00800000, 0x8000, OWN),  # TCMU
    Att(0x208F8000, 0x008F8000, 0x4000),  # OCRAM_S, as data
    Att(0x80000000, 0x80000000, 0x60000000),  # DDR, as data
)
