"""The device's side of a ring, against a driver that behaves and one that does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.testing.vring import loose_vring
from rprocfs.virtio.device_ring import BadChain, DeviceQueue
from rprocfs.virtio.ring import Virtqueue
from tests.examples import examples

NEXT, WRITE, INDIRECT = 1, 2, 4


def available(num, descs, heads):
    """A device on a ring that some driver filled: descs are (addr, len, flags, next)."""
    ring = loose_vring(num)
    for at, (addr, length, flags, following) in enumerate(descs):
        ring.desc[2 * at] = addr
        ring.desc[2 * at + 1] = length | flags << 32 | following << 48
    for slot, head in enumerate(heads):
        ring.avail[2 + slot] = head
    ring.avail[1] = len(heads)
    return DeviceQueue(ring)


def test_chain_in_its_order():
    descs = [(10, 1, WRITE, 9), (20, 2, NEXT, 3), (0, 0, 0, 0), (30, 3, NEXT | WRITE, 0)]
    device = available(4, descs, [1])
    chain = device.pop()
    assert chain.head == 1
    assert [desc.addr for desc in chain.descs] == [20, 30, 10]
    assert [desc.writable for desc in chain.descs] == [False, True, True]


@pytest.mark.parametrize(
    ("descs", "head"),
    [
        ([(0, 0, NEXT, 0)], 0),
        ([(0, 0, NEXT, 1), (0, 0, NEXT, 0)], 1),
        ([(0, 0, NEXT, 4)], 0),
        ([(0, 0, NEXT, 0xFFFF)], 0),
        ([(0, 0, INDIRECT, 0)], 0),
        ([], 4),
        ([], 0xFFFF),
    ],
)
def test_chain_that_cannot_be(descs, head):
    device = available(4, [*descs, *[(7, 7, 0, 0)] * (4 - len(descs))], [head, 3])
    with pytest.raises(BadChain):
        device.pop()
    assert device.pop().descs[0].addr == 7


def test_peek_leaves_the_chain():
    device = available(4, [(10, 1, 0, 0), (20, 1, 0, 0)], [1, 0])
    assert device.peek() == device.peek() == device.pop()
    assert device.available() == 1
    device.pop()
    assert device.peek() is None


def test_reset_by_the_driver_is_seen():
    ring = loose_vring(4)
    device = DeviceQueue(ring)
    Virtqueue(ring).add_inbuf(0, 8, "a")
    device.push(device.pop().head, 0)
    assert not device.was_reset()
    Virtqueue(ring)
    assert device.was_reset()


def test_no_interrupt_for_nothing():
    vq = Virtqueue(loose_vring(4))
    device = DeviceQueue(vq.vring)
    assert not device.needs_interrupt()
    vq.add_inbuf(0, 8, "a")
    device.push(0, 0)
    assert device.needs_interrupt()


@given(st.data(), st.sampled_from([1, 3, 4, 16]))
@examples(150)
def test_a_driver_that_writes_anywhere(data, num):
    """Every chain stays in the table and ends, whatever stands there."""
    ring = loose_vring(num)
    device = DeviceQueue(ring)
    at = data.draw(st.integers(0, len(ring.memory) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=200))[: len(ring.memory) - at]
    ring.memory[at : at + len(junk)] = junk
    for _ in range(min(device.available(), 50)):
        left = device.available()
        try:
            chain = device.pop()
        except BadChain:
            pass
        else:
            assert chain.head < num
            assert 1 <= len(chain.descs) <= num
        assert device.available() == left - 1
