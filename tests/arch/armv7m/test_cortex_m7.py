"""The Cortex-M7's own registers, by its Technical Reference Manual (Arm DDI 0489)."""

import pytest

from rprocfs.arch.armv7m.cortex_m7 import CortexM7
from rprocfs.arch.armv7m.scs import SCS, SystemControlSpace
from rprocfs.hw.clock import Clock

CCR, CLIDR, CTR, CCSIDR, CSSELR = 0xD14, 0xD78, 0xD7C, 0xD80, 0xD84
ICIALLU, DCISW, DCCISW, BPIALL = 0xF50, 0xF60, 0xF74, 0xF78
ITCMCR, DTCMCR, CACR, MVFR0 = 0xF90, 0xF94, 0xF9C, 0xF40


class Space(SystemControlSpace):
    def __init__(self, cache=32 << 10):
        core = CortexM7(
            "m7", icache=cache, dcache=cache, itcm=128 << 10, dtcm=64 << 10, irqs=32,
            priority_bits=4, cpu_hz=8_000_000, ref_hz=1_000_000, mpu_regions=16,
        )  # fmt: skip
        super().__init__(core, 0, Clock(lambda: 0), lambda: None)

    def __getitem__(self, offset):
        return self.read(SCS + offset, 4)

    def __setitem__(self, offset, value):
        self.write(SCS + offset, 4, value)


@pytest.fixture
def scs():
    return Space()


def test_who_it_is(scs):
    assert scs[0xD00] == 0x411FC272
    assert [scs[MVFR0 + at] for at in (0, 4, 8)] == [0x10110221, 0x12000011, 0x40]
    assert scs[0xD90] == 16 << 8


def test_ccr_enables_caches(scs):
    assert scs[CCR] == 0x00040200
    scs[CCR] |= 1 << 16 | 1 << 17
    assert scs[CCR] == 0x00070200
    scs[CCR] = 0
    assert scs[CCR] == 0x00040200  # STKALIGN and BP are read-only


@pytest.mark.parametrize(
    ("size", "data", "instruction"),
    [(4 << 10, 0xF003E019, 0xF007E009), (16 << 10, 0xF00FE019, 0xF01FE009),
     (32 << 10, 0xF01FE019, 0xF03FE009)],
)  # fmt: skip
def test_ccsidr_is_that_of_the_selected_cache(size, data, instruction):
    """The encodings of DDI 0489, table 4-7."""
    scs = Space(size)
    assert scs[CCSIDR] == data
    scs[CSSELR] = 0xFFFFFFFF
    assert (scs[CSSELR], scs[CCSIDR]) == (1, instruction)


def test_cmsis_walks_the_whole_data_cache(scs):
    """SCB_InvalidateDCache(): every set and way of CCSIDR, and it comes to an end."""
    scs[CSSELR] = 0
    value = scs[CCSIDR]
    sets, ways = value >> 13 & 0x7FFF, value >> 3 & 0x3FF
    assert (sets + 1) * (ways + 1) * 32 == 32 << 10
    for number in range(sets + 1):
        for way in range(ways + 1):
            scs[DCISW] = number << 5 | way << 30
    for offset in (ICIALLU, DCCISW, BPIALL):
        scs[offset] = 0
        assert scs[offset] == 0
    assert (scs[CLIDR], scs[CTR]) == (0x09000003, 0x8303C003)


def test_tcm_control(scs):
    """SZ is read-only: 0b1000 is 128 KiB."""
    assert (scs[ITCMCR], scs[DTCMCR]) == (0b1000 << 3 | 1, 0b0111 << 3 | 1)
    scs[ITCMCR] = 0
    scs[DTCMCR] |= 7
    assert (scs[ITCMCR], scs[DTCMCR]) == (0b1000 << 3, 0b0111 << 3 | 7)
    scs[CACR] = 0xFFFFFFFF
    assert scs[CACR] == 7
