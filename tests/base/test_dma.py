import errno
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.base.dma import CmaPool, RegionPool, SystemPool, page_align
from tests.examples import examples


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


def test_memory_is_zeroed_and_found_again():
    pool = SystemPool(0x1000, 0x10000)
    buffer = pool.alloc(100)
    assert bytes(buffer.va) == bytes(100)
    buffer.va[:3] = b"abc"
    assert bytes(pool.find(buffer.da, 3)) == b"abc"
    assert pool.find(buffer.da + 98, 3) is None
    assert pool.find(buffer.da - 1, 1) is None
    pool.free(buffer)
    assert pool.find(buffer.da, 3) is None


def test_what_does_not_fit_is_enomem():
    pool = SystemPool(0, 0x2000)
    assert _errno(pool.alloc, 0x2001) == errno.ENOMEM
    assert _errno(pool.alloc, 0) == errno.ENOMEM
    pool.alloc(0x1001)
    assert _errno(pool.alloc, 1) == errno.ENOMEM


def test_a_region_serves_fixed_addresses_and_has_a_dynamic_part():
    memory = memoryview(bytearray(b"x" * 0x10000))
    pool = RegionPool(memory, 0x21000000, 0x21008000, 0x2100F000)
    fixed = pool.alloc(0x1000, 0x21001000)
    assert fixed.da == 0x21001000
    assert memory[0x1000:0x2000] == bytes(0x1000)
    assert pool.alloc(16).da == 0x21008000
    assert _errno(pool.alloc, 16, 0x21001000) == errno.ENOMEM
    assert _errno(pool.alloc, 16, 0x20000000) == errno.ENOMEM
    assert _errno(pool.alloc, 16, 0x2100F000) == errno.ENOMEM
    pool.free(fixed)
    assert pool.alloc(16, 0x21001000).da == 0x21001000
    assert pool.find(0x2100FFFF, 1) == b"x"
    assert pool.find(0x2100FFFF, 2) is None


def test_what_asks_for_an_address_is_anywhere_in_the_memory_of_linux():
    """Also if nothing is there, or something that must not be emptied."""
    memory = memoryview(bytearray(b"x" * 0x10000))
    pool = CmaPool(memory, 0x21000000, 0x21008000, 0x2100F000)
    assert pool.alloc(0x1000, 0).da == 0x21008000
    assert pool.alloc(0x1000, 0x21001000).da == 0x21009000
    assert memory[:0x8000] == b"x" * 0x8000
    assert _errno(pool.alloc, 0x6000, 0) == errno.ENOMEM


@examples(200)
@given(st.lists(st.tuples(st.integers(1, 20000), st.integers(0, 9)), max_size=30))
def test_ranges_never_overlap(requests):
    pool, live = SystemPool(0x1000, 0x40000), []
    for size, victim in requests:
        try:
            live.append(pool.alloc(size))
        except OSError as failure:
            assert failure.errno == errno.ENOMEM
        if len(live) > victim:
            pool.free(live.pop(victim))
    spans = sorted((buffer.da, buffer.da + page_align(buffer.size)) for buffer in live)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert all(start >= 0x1000 and end <= 0x41000 for start, end in spans)
