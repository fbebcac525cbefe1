from rprocfs.arch.armv7m.dwt import Dwt
from rprocfs.arch.armv7m.mpu import Mpu

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
