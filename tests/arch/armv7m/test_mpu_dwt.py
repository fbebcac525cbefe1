import pytest

from rprocfs.arch.armv7m.dwt import Dwt
from rprocfs.arch.armv7m.mpu import ENABLE, EXECUTE, HFNMIENA, PRIVDEFENA, READ, WRITE, Mpu

TYPE, CTRL, RNR, RBAR, RASR, RBAR_A1, RASR_A1 = 0xD90, 0xD94, 0xD98, 0xD9C, 0xDA0, 0xDA4, 0xDA8


def test_regions_are_kept():
    mpu = Mpu(8)
    assert mpu.read(TYPE, 4) == 0x800
    mpu.write(RNR, 4, 2)
    mpu.write(RBAR, 4, 0x20000000)
    mpu.write(RASR, 4, 0x3000013)
    mpu.write(RBAR_A1, 4, 0x40000015)  # VALID, region 5
    mpu.write(RASR_A1, 4, 1)
    assert (mpu.read(RNR, 4), mpu.read(RBAR, 4), mpu.read(RASR_A1, 4)) == (5, 0x40000005, 1)
    mpu.write(RNR, 4, 2)
    assert (mpu.read(RBAR, 4), mpu.read(RASR, 4)) == (0x20000002, 0x3000013)
    mpu.write(RNR, 4, 9)
    assert mpu.read(RNR, 4) == 2
    mpu.write(CTRL, 4, 0xFF)
    assert mpu.read(CTRL, 4) == 7


def on(*regions, ctrl=ENABLE, background=False):
    mpu = Mpu(8)
    for number, (base, rasr) in enumerate(regions):
        mpu.write(RNR, 4, number)
        mpu.write(RBAR, 4, base)
        mpu.write(RASR, 4, rasr)
    mpu.write(CTRL, 4, ctrl | (PRIVDEFENA if background else 0))
    return mpu


def test_what_is_off_or_privileged_private_or_in_the_background():
    mpu = on((0x2000_0000, 0x0300_0013), background=True)  # 1 KiB, full access
    assert mpu.allowed(0x2000_03FF, False) == 7
    assert mpu.allowed(0x2000_0400, False) == 0
    assert mpu.allowed(0x2000_0400, True) == 7
    assert mpu.allowed(0x4000_0000, True) == READ | WRITE
    assert mpu.allowed(0xE000_E000, False) == READ | WRITE
    mpu.write(CTRL, 4, PRIVDEFENA)
    assert mpu.allowed(0x2000_0400, False) == 7


@pytest.mark.parametrize(
    ("ap", "privileged", "user"),
    [(0, 0, 0), (1, 3, 0), (2, 3, 1), (3, 3, 3), (4, 0, 0), (5, 1, 0), (6, 1, 1), (7, 1, 1)],
)
def test_permissions(ap, privileged, user):
    mpu = on((0x2000_0000, ap << 24 | 0x13))
    execute = [4 if access else 0 for access in (privileged, user)]
    assert mpu.allowed(0x2000_0000, True) == privileged | execute[0]
    assert mpu.allowed(0x2000_0000, False) == user | execute[1]
    never = on((0x2000_0000, 1 << 28 | ap << 24 | 0x13))
    assert never.allowed(0x2000_0000, True) == privileged


def test_the_highest_region_decides_and_subregions_are_holes():
    mpu = on((0x2000_0000, 0x0300_0013), (0x2000_0000, 0x0600_0F0F))  # 256 bytes, upper half
    assert mpu.allowed(0x2000_007F, True) == 7
    assert mpu.allowed(0x2000_0080, True) == READ | EXECUTE
    assert mpu.passes(0x2000_0060, 10, WRITE, True) == 8
    assert next(mpu.whole(10)) == (0x2000_0000, 0x0300_0013)
    assert list(mpu.whole(10))[1:] == [
        (0x2000_0080 + 32 * number, 0x0600_0009) for number in range(4)
    ]
    assert list(mpu.whole(5))[1:] == [(0x2000_0000, 0x0600_0F0F)]


def test_a_negative_priority_goes_without_unless_it_is_asked_for():
    told = []
    for ctrl, allowed in ((ENABLE, 7), (ENABLE | HFNMIENA, 0)):
        mpu = on(ctrl=ctrl)
        mpu.changed = told.append
        assert mpu.allowed(0x2000_0000, True) == 0
        mpu.negative = True
        assert mpu.allowed(0x2000_0000, True) == allowed
    assert told == [None]


def test_without_regions_there_is_nothing():
    mpu = Mpu(0)
    for offset in range(0xD90, 0xDBC, 4):
        mpu.write(offset, 4, 0xFFFFFFFF)
        assert mpu.read(offset, 4) == 0


def test_cycles():
    time = [5000]
    dwt = Dwt(lambda: time[0], 100_000_000)
    assert dwt.read(4, 4) == 0
    dwt.write(0, 4, 1)
    time[0] += 1000
    assert dwt.read(4, 4) == 100
    dwt.write(4, 4, 0xFFFFFFF0)
    time[0] += 200
    assert dwt.read(4, 4) == 4
    dwt.write(0, 4, 0)
    time[0] += 1000
    assert (dwt.read(4, 4), dwt.read(0, 4)) == (4, 4 << 28)
