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
    them, which makes no difference here. *name* is that of the reference manual.
    """

    name: str
    da: int
    sa: int
    size: int
    own: bool = False
    core: int | None = None


OWN = True

IMX93 = (
    Att("TCM code", 0x0FFC0000, 0x201C0000, 0x40000, OWN),  # not secure
    Att("TCM code", 0x1FFC0000, 0x201C0000, 0x40000, OWN),  # secure
    Att("TCM system", 0x20000000, 0x20200000, 0x40000, OWN),  # not secure
    Att("TCM system", 0x30000000, 0x20200000, 0x40000, OWN),  # secure
    Att("DDR", 0x80000000, 0x80000000, 0x10000000),
    Att("DDR", 0x90000000, 0x80000000, 0x10000000),
    Att("DDR", 0xC0000000, 0xC0000000, 0x10000000),
    Att("DDR", 0xD0000000, 0xC0000000, 0x10000000),
)

IMX8QM = (
    Att("QSPI", 0x08000000, 0x08000000, 0x10000000),
    Att("TCML", 0x1FFE0000, 0x34FE0000, 0x20000, OWN, 0),
    Att("TCML", 0x1FFE0000, 0x38FE0000, 0x20000, OWN, 1),
    Att("TCMU", 0x20000000, 0x35000000, 0x20000, OWN, 0),
    Att("TCMU", 0x20000000, 0x39000000, 0x20000, OWN, 1),
    Att("DDR", 0x80000000, 0x80000000, 0x60000000),
)

IMX8QXP = (
    Att("QSPI", 0x08000000, 0x08000000, 0x10000000),
    Att("TCM", 0x1FFE0000, 0x34FE0000, 0x40000, OWN),  # TCML, TCMU
    Att("OCRAM", 0x21000000, 0x00100000, 0x18000),  # OCRAM, the lower 96 KiB
    Att("OCRAM", 0x21100000, 0x00100000, 0x40000),
    Att("DDR", 0x80000000, 0x80000000, 0x60000000),
)

IMX8MN = (
    Att("ITCM", 0x00000000, 0x007E0000, 0x20000, OWN),
    Att("OCRAM_S", 0x00180000, 0x00180000, 0x9000),
    Att("OCRAM", 0x00900000, 0x00900000, 0x20000),
    Att("OCRAM", 0x00920000, 0x00920000, 0x20000),
    Att("OCRAM", 0x00940000, 0x00940000, 0x50000),
    Att("QSPI", 0x08000000, 0x08000000, 0x8000000),
    Att("DDR", 0x10000000, 0x40000000, 0xFFE0000),  # as code
    Att("DTCM", 0x20000000, 0x00800000, 0x20000, OWN),
    Att("OCRAM_S", 0x20180000, 0x00180000, 0x8000, OWN),  # as data
    Att("OCRAM", 0x20200000, 0x00900000, 0x20000, OWN),  # as data
    Att("OCRAM", 0x20220000, 0x00920000, 0x20000, OWN),
    Att("OCRAM", 0x20240000, 0x00940000, 0x40000, OWN),
    Att("DDR", 0x40000000, 0x40000000, 0x80000000),  # as data
)

IMX8MQ = (
    Att("TCML", 0x00000000, 0x007E0000, 0x20000),
    Att("OCRAM_S", 0x00180000, 0x00180000, 0x8000),
    Att("OCRAM", 0x00900000, 0x00900000, 0x20000),
    Att("OCRAM", 0x00920000, 0x00920000, 0x20000),
    Att("QSPI", 0x08000000, 0x08000000, 0x8000000),
    Att("DDR", 0x10000000, 0x40000000, 0xFFE0000),  # as code
    Att("TCM", 0x1FFE0000, 0x007E0000, 0x40000, OWN),  # TCML, TCMU
    Att("OCRAM_S", 0x20180000, 0x00180000, 0x8000, OWN),  # as data
    Att("OCRAM", 0x20200000, 0x00900000, 0x20000, OWN),  # as data
    Att("OCRAM", 0x20220000, 0x00920000, 0x20000, OWN),
    Att("DDR", 0x40000000, 0x40000000, 0x80000000),  # as data
)

IMX8ULP = (
    Att("SSRAM", 0x1FFC0000, 0x1FFC0000, 0xC0000, OWN),
    Att("SSRAM", 0x21000000, 0x21000000, 0x10000, OWN),
    Att("DDR", 0x80000000, 0x80000000, 0x60000000),
)

IMX7ULP = (
    Att("TCML", 0x1FFD0000, 0x1FFD0000, 0x30000, OWN),
    Att("TCMU", 0x20000000, 0x20000000, 0x10000, OWN),
    Att("OCRAM", 0x2F000000, 0x2F000000, 0x20000, OWN),
    Att("OCRAM", 0x2F020000, 0x2F020000, 0x20000, OWN),
    Att("DDR", 0x60000000, 0x60000000, 0x40000000),
)

IMX7D = (
    Att("OCRAM_S", 0x00000000, 0x00180000, 0x8000),  # where it boots
    Att("OCRAM_S", 0x00180000, 0x00180000, 0x8000, OWN),
    Att("OCRAM", 0x00900000, 0x00900000, 0x20000),
    Att("OCRAM_EPDC", 0x00920000, 0x00920000, 0x20000),
    Att("OCRAM_PXP", 0x00940000, 0x00940000, 0x8000),
    Att("TCML", 0x1FFF8000, 0x007F8000, 0x8000, OWN),
    Att("DDR", 0x10000000, 0x80000000, 0xFFF0000),  # as code
    Att("TCMU", 0x20000000, 0x00800000, 0x8000, OWN),
    Att("OCRAM", 0x20200000, 0x00900000, 0x20000),  # as data
    Att("OCRAM_EPDC", 0x20220000, 0x00920000, 0x20000),  # as data
    Att("OCRAM_PXP", 0x20240000, 0x00940000, 0x8000),  # as data
    Att("DDR", 0x80000000, 0x80000000, 0x60000000),  # as data
)

IMX6SX = (
    Att("TCML", 0x00000000, 0x007F8000, 0x8000),  # where it boots
    Att("OCRAM_S", 0x00180000, 0x008F8000, 0x4000),
    Att("OCRAM_S", 0x00180000, 0x008FC000, 0x4000),
    Att("TCML", 0x1FFF8000, 0x007F8000, 0x8000, OWN),
    Att("DDR", 0x10000000, 0x80000000, 0xFFF8000),  # as code
    Att("TCMU", 0x20000000, 0x00800000, 0x8000, OWN),
    Att("OCRAM_S", 0x208F8000, 0x008F8000, 0x4000),  # as data
    Att("DDR", 0x80000000, 0x80000000, 0x60000000),  # as data
)
