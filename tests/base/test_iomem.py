import errno

import pytest

from rprocfs.base.iomem import END, LOW_END, Iomem


def test_all_see_the_same_bytes():
    iomem = Iomem()
    iomem.ioremap(0x2021E000, 0x1000)[:4] = b"abcd"
    assert bytes(iomem.ioremap(0x20200000, 0x40000)[0x1E000:][:4]) == b"abcd"
    high = iomem.ioremap(0x4D80800000, 0x48000)  # the L2 of a C66x on a J721E
    high[0x100:0x104] = b"high"
    assert bytes(iomem.ioremap(0x4D80800100, 4)) == b"high"
    assert bytes(iomem.ioremap(0x80800100, 4)) == bytes(4)


@pytest.mark.parametrize(
    ("start", "size"), [(0, 0), (-1, 1), (END, 1), (END - 1, 2), (0, LOW_END + 1)]
)
def test_where_there_is_no_bus(start, size):
    with pytest.raises(OSError) as caught:
        Iomem().ioremap(start, size)
    assert caught.value.errno == errno.ENOMEM


def test_the_last_bytes():
    assert len(Iomem().ioremap(LOW_END - 1, 1)) == 1
    assert len(Iomem().ioremap(LOW_END - 1, 2)) == 2
    assert len(Iomem().ioremap(END - 1, 1)) == 1
