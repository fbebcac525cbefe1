"""The temperature sensors, by the register descriptions of the three manuals."""

import pytest

TMU, IRQ = 0x30260000, 49
#: Of a part: enables, flags, first threshold, a reading; enable of a threshold, the flag and the
#: interrupt enable of the average.
MINI = (0x08, 0x0C, 0x10, 0x24, 1 << 31, 1 << 29, 1 << 30)
PLUS = (0x08, 0x0C, 0x10, 0x24, 1 << 30, 1 << 26, 1 << 26)
QUAD = (0x20, 0x24, 0x50, 0x104, 1 << 31, 1 << 30, 1 << 30)


@pytest.fixture
def layout(every):
    plus, quad = every.all.part.aips5, "SDMA3" not in every.all.part.sdma
    return PLUS if plus else QUAD if quad else MINI


def test_linux_has_it_on_and_it_can_be_off(every, layout):
    reading, valid = TMU + layout[3], layout[4]
    assert every[reading] & 0xFF == 45
    assert every[reading] & valid
    every[TMU] = 0
    assert every[reading] == 0
    every[TMU] = 1 << 31
    assert every[reading] & valid


def test_the_outside_decides_how_hot_it_is(every, layout):
    """tmu_monitor_threshold: an average above TMHTATR interrupts, again and again."""
    tier, tidr, thresholds, reading, enabled, flag, enable = layout
    every[TMU + thresholds + 4] = 50
    every[TMU + thresholds + 4] |= enabled
    every[TMU + tier] = enable
    temperature = every.all.inputs["TMU/temp1_input"]
    temperature.drive(50_999)
    assert not every.lines
    temperature.drive(51_000)
    assert every[TMU + reading] & 0xFF == 51
    assert every[TMU + tidr] & flag
    assert every.lines == {IRQ}
    every[TMU + tidr] = flag
    assert not every.lines
    every.pass_us(10_000)
    assert every.lines == {IRQ}
    temperature.drive(20_000)
    every[TMU + tidr] = every[TMU + tidr]
    every.pass_us(10_000)
    assert not every.lines


def test_the_quad_says_which_sites_are_too_hot(quad):
    """tmu_monitor_report: sites 0 and 1 are monitored, every 10 ms times two to the interval."""
    quad[TMU] = 1 << 31 | 1 << 15 | 1 << 14
    quad[TMU + 8] = 3
    quad[TMU + 0x50] = 1 << 31
    quad[TMU + 0x20] = 1 << 31
    assert quad.lines == {IRQ}
    assert quad[TMU + 0x24] == 1 << 31
    assert quad[TMU + 0x28] == 3 << 14 + 16
    quad[TMU + 0x28] = 0
    quad[TMU + 0x24] = 1 << 31
    quad.pass_us(79_000)
    assert not quad.lines
    quad.pass_us(1_000)
    assert quad.lines == {IRQ}
    assert quad[TMU + 0x28] == 3 << 14 + 16


def test_below_zero(every):
    every.all.inputs["TMU/temp1_input"].drive(-5000)
    reading = 0x100 if "SDMA3" not in every.all.part.sdma else 0x20
    assert every[TMU + reading] & 0xFF == 0xFB


def test_the_plus_has_two_probes(every, layout):
    if layout is PLUS:
        assert every[TMU + 0x20] == 3 << 30 | 45 << 16 | 45
        every[TMU + 0x10] = 1 << 31 | 44 << 16
        assert every[TMU + 0x0C] == 1 << 31
