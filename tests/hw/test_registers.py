import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.hw.registers import Peripheral, register


class Sample(Peripheral):
    def __init__(self):
        self.word = 0x11223344
        self.flags = 0xFFFFFFFF
        self.array = [0, 0]

    @register(0x0)
    def plain(self):
        return self.word

    @plain.store
    def _(self, value):
        self.word = value

    @register(0x4, ones=True)
    def clear(self):
        return self.flags

    @clear.store
    def _(self, value):
        self.flags &= ~value

    @register(0x8, count=2)
    def many(self, index):
        return self.array[index]

    @many.store
    def _(self, index, value):
        self.array[index] = value

    @register(0x10)
    def fixed(self):
        return 7


LANES = st.sampled_from([(0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (2, 2), (0, 4)])


@given(LANES, st.integers(0, 0xFFFFFFFF))
def test_a_part_of_a_register(lane, value):
    offset, size = lane
    device = Sample()
    device.write(offset, size, value)
    expected = bytearray((0x11223344).to_bytes(4, "little"))
    expected[offset : offset + size] = value.to_bytes(4, "little")[:size]
    assert device.word == int.from_bytes(expected, "little")
    assert device.read(offset, size) == value & ((1 << 8 * size) - 1)


@given(LANES, st.integers(0, 0xFFFFFFFF))
def test_a_part_of_a_register_of_ones_leaves_the_others(lane, value):
    offset, size = lane
    device = Sample()
    device.write(4 + offset, size, value)
    written = (value & ((1 << 8 * size) - 1)) << 8 * offset
    assert device.flags == 0xFFFFFFFF & ~written


def test_arrays_have_an_index():
    device = Sample()
    device.write(0xC, 4, 5)
    assert (device.array, device.read(0x8, 4), device.read(0xC, 4)) == ([0, 5], 0, 5)


@pytest.mark.parametrize("offset", [0x10, 0x14, 0xFFC])
def test_writing_what_cannot_be_written(offset):
    device = Sample()
    before = device.read(offset, 4)
    device.write(offset, 4, 0xFFFFFFFF)
    assert device.read(offset, 4) == before == (7 if offset == 0x10 else 0)
