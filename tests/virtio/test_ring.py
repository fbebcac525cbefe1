"""The driver's side of a ring, against a far side that behaves and one that does not."""

import errno
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.testing.vring import DeviceQueue, loose_vring
from rprocfs.virtio.ring import (
    BadRing,
    IdOutOfRange,
    IndexJump,
    LenTooLong,
    NotAHead,
    Virtqueue,
    Vring,
    vring_need_event,
    vring_size,
)
from tests.examples import examples, rounds

NUMS = st.sampled_from([1, 2, 3, 4, 5, 8, 16, 17, 256])
ALIGNS = st.sampled_from([1, 2, 3, 4, 16, 64, 4096])


def queue(num=4, **options):
    vring = loose_vring(num)
    return Virtqueue(vring, "input", **options), DeviceQueue(
        vring, event_idx=options.get("event_idx", False)
    )


@pytest.mark.parametrize(
    ("num", "align", "size"),
    # Printed by a C program with vring_size() of <linux/virtio_ring.h>.
    [(16, 16, 438), (256, 4096, 10246), (3, 16, 94), (1, 4, 38), (16, 3, 430), (256, 1, 6668)],
)
def test_vring_size(num, align, size):
    assert vring_size(num, align) == size


@given(NUMS, ALIGNS)
def test_layout_is_inside_and_does_not_overlap(num, align):
    size = vring_size(num, align)
    ring = Vring(memoryview(bytearray(size)), num, align)
    assert ring.desc.nbytes == 16 * num
    assert ring.avail.nbytes == 2 * (3 + num)
    assert ring.used.nbytes + ring.used_ring.nbytes + ring.avail_event.nbytes == 6 + 8 * num
    if align >= 2 and align & align - 1 == 0:
        for part in (ring.desc, ring.avail, ring.used, ring.used_ring, ring.avail_event):
            part[0] = ~0 % (1 << 8 * part.itemsize)
        assert sum(ring.memory) == 0xFF * (8 + 2 + 2 + 8 + 2)


@pytest.mark.parametrize(("num", "align"), [(0, 16), (-1, 16), (16, 0), (17, 16), (1 << 31, 16)])
def test_layout_that_does_not_fit(num, align):
    with pytest.raises(OSError) as error:
        Vring(memoryview(bytearray(vring_size(16, 16))), num, align)
    assert error.value.errno == errno.EINVAL


def test_a_new_queue_clears_the_ring():
    vring = loose_vring(4)
    vring.memory[:] = b"\xff" * len(vring.memory)
    assert Virtqueue(vring).get_buf() is None
    assert bytes(vring.memory) == bytes(len(vring.memory))


def test_descriptors_as_the_far_side_reads_them():
    vq, device = queue()
    vq.add_outbuf(0x123456789ABCDEF0, 0xFFFFFFFF, "out")
    vq.add_inbuf(0x20000000, 512, "in")
    out, into = device.pop(), device.pop()
    assert (out.head, *out.descs[0]) == (0, 0x123456789ABCDEF0, 0xFFFFFFFF, 0, 0)
    assert (into.head, *into.descs[0]) == (1, 0x20000000, 512, 2, 0)
    assert into.descs[0].writable
    assert not out.descs[0].writable
    assert device.pop() is None


def test_buffers_come_back_in_the_order_of_the_far_side():
    vq, device = queue()
    for token in "abcd":
        vq.add_inbuf(0, 100, token)
    heads = [device.pop().head for _ in range(4)]
    for head in reversed(heads):
        device.push(head, head)
    assert [vq.get_buf() for _ in range(5)] == [("d", 3), ("c", 2), ("b", 1), ("a", 0), None]


def test_free_descriptors_are_a_stack_as_the_kernels():
    vq, device = queue()
    for token in range(4):
        vq.add_inbuf(0, 1, token)
    assert [device.pop().head for _ in range(4)] == [0, 1, 2, 3]
    for head in (2, 0):
        device.push(head, 0)
        vq.get_buf()
    vq.add_inbuf(0, 1, "first")
    vq.add_inbuf(0, 1, "second")
    assert [device.pop().head for _ in range(2)] == [0, 2]


def test_full_ring_is_enospc_and_a_broken_one_eio():
    vq, device = queue(2)
    vq.add_outbuf(0, 1, "a")
    vq.add_outbuf(0, 1, "b")
    assert vq.num_free == 0
    with pytest.raises(OSError) as error:
        vq.add_outbuf(0, 1, "c")
    assert error.value.errno == errno.ENOSPC
    vq.broken = True
    device.push(0, 0)
    assert vq.get_buf() is None
    with pytest.raises(OSError) as error:
        vq.add_outbuf(0, 1, "c")
    assert error.value.errno == errno.EIO


def test_kick_is_left_out_when_the_far_side_polls():
    vq, device = queue()
    vq.add_outbuf(0, 1, "a")
    assert vq.kick_prepare()
    device.disable_notify()
    vq.add_outbuf(0, 1, "b")
    assert not vq.kick_prepare()
    assert not device.enable_notify()
    while device.pop():
        pass
    assert device.enable_notify()
    vq.add_outbuf(0, 1, "c")
    assert vq.kick_prepare()


def test_event_index_asks_for_one_kick():
    vq, device = queue(event_idx=True)
    vq.add_outbuf(0, 1, "a")
    assert vq.kick_prepare()
    vq.add_outbuf(0, 1, "b")
    assert not vq.kick_prepare()
    device.pop()
    device.pop()
    vq.add_outbuf(0, 1, "c")
    assert vq.kick_prepare()


@pytest.mark.parametrize("event_idx", [False, True])
def test_callbacks_off_and_on(event_idx):
    vq, device = queue(event_idx=event_idx)
    for token in "abcd":
        vq.add_outbuf(0, 1, token)
    device.push(device.pop().head, 0)
    assert device.needs_interrupt()
    assert not device.needs_interrupt()
    vq.get_buf()
    vq.disable_cb()
    device.push(device.pop().head, 0)
    assert not device.needs_interrupt()
    assert not vq.enable_cb()
    assert vq.get_buf() == ("b", 0)
    assert vq.enable_cb()
    device.push(device.pop().head, 0)
    assert device.needs_interrupt()


def test_event_index_follows_get_buf():
    vq, device = queue(event_idx=True)
    for token in "ab":
        vq.add_outbuf(0, 1, token)
    for token in "ab":
        device.push(device.pop().head, 0)
        assert device.needs_interrupt()
        assert vq.get_buf() == (token, 0)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 40))
def test_need_event_is_whether_the_event_lies_between(event, old, added):
    new = old + added & 0xFFFF
    passed = [old + step & 0xFFFF for step in range(added)]
    assert vring_need_event(event, new, old) == (event in passed)


@pytest.mark.parametrize("num", [4, 3])
def test_indices_wrap(num):
    """Also where num is no power of two: the kernel masks, so this goes through used directly."""
    vq, _ = queue(num)
    ring = vq.vring
    for turn in range(0x10000 + 10):
        vq.add_inbuf(turn, 8, turn)
        slot = turn & 0xFFFF & num - 1
        ring.used_ring[slot] = ring.avail[2 + slot] | 5 << 32
        ring.used[1] = turn + 1 & 0xFFFF
        assert ring.avail[1] == turn + 1 & 0xFFFF
        assert vq.get_buf() == (turn, 5)


def test_unused_buffers_are_found_again():
    vq, device = queue()
    for token in "abc":
        vq.add_inbuf(0, 1, token)
    device.push(1, 0)
    assert vq.get_buf() == ("b", 0)
    assert [vq.detach_unused_buf() for _ in range(3)] == ["a", "c", None]
    assert vq.num_free == 4


# A far side that lies.


def lied_to(num=4, outstanding=2):
    vq, device = queue(num)
    for index in range(outstanding):
        vq.add_inbuf(0x1000 * index, 512, f"buffer {index}")
    return vq, device


@pytest.mark.parametrize("head", [4, 5, 0xFFFF, 0x10000, 0xFFFFFFFF])
def test_id_out_of_range(head):
    vq, device = lied_to()
    device.push(head, 1)
    device.push(0, 1)
    with pytest.raises(IdOutOfRange) as error:
        vq.get_buf()
    assert str(error.value) == f"input:id {head} out of range"
    assert error.value.token is None
    assert vq.get_buf() == ("buffer 0", 1)


@pytest.mark.parametrize("head", [2, 3])
def test_id_that_is_not_a_head(head):
    vq, device = lied_to()
    device.push(head, 1)
    device.push(1, 1)
    with pytest.raises(NotAHead) as error:
        vq.get_buf()
    assert str(error.value) == f"input:id {head} is not a head!"
    assert vq.get_buf() == ("buffer 1", 1)


def test_buffer_given_back_twice():
    vq, device = lied_to()
    device.push(0, 1)
    device.push(0, 1)
    assert vq.get_buf() == ("buffer 0", 1)
    with pytest.raises(NotAHead):
        vq.get_buf()
    assert vq.num_free == 3


@pytest.mark.parametrize("length", [513, 0xFFFFFFFF])
def test_more_written_than_there_is(length):
    vq, device = lied_to()
    device.push(0, length)
    with pytest.raises(LenTooLong) as error:
        vq.get_buf()
    assert (error.value.token, error.value.len) == ("buffer 0", length)
    assert vq.num_free == 3
    assert vq.get_buf() is None


def test_length_of_a_buffer_that_is_only_read_does_not_matter():
    vq, device = queue()
    vq.add_outbuf(0, 4, "out")
    device.push(0, 0xFFFFFFFF)
    assert vq.get_buf() == ("out", 0xFFFFFFFF)


@pytest.mark.parametrize("idx", [3, 4, 0x8000, 0xFFFF])
def test_index_beyond_what_is_outstanding(idx):
    vq, device = lied_to()
    device.set_used_idx(idx)
    with pytest.raises(IndexJump) as error:
        vq.get_buf()
    assert str(error.value) == f"input:used index 0 to {idx}, 2 outstanding"
    assert vq.get_buf() is None
    device.push(1, 7)
    assert vq.get_buf() == ("buffer 1", 7)


def outcome(vq):
    try:
        return vq.get_buf()
    except BadRing as bad:
        return bad


@given(st.data(), NUMS, ALIGNS)
@examples(150)
def test_a_far_side_that_writes_anywhere(data, num, align):
    """Whatever stands in the ring: tokens come back once, and nothing outside is touched."""
    size, guard = vring_size(num, align), b"\xa5" * 64
    memory = bytearray(guard + bytes(size) + guard)
    vq = Virtqueue(
        Vring(memoryview(memory)[64:-64], num, align), event_idx=data.draw(st.booleans())
    )
    outstanding, serial = set(), 0
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, size - 1))
        junk = data.draw(st.binary(max_size=24))[: size - at]
        memory[64 + at : 64 + at + len(junk)] = junk
        with suppress(OSError):
            vq.add_inbuf(at, 512, serial)
            outstanding.add(serial)
            serial += 1
        vq.kick_prepare()
        got = outcome(vq)
        token = got.token if isinstance(got, BadRing) else got[0] if got else None
        assert token is None or token in outstanding
        outstanding.discard(token)
        assert vq.num_free == num - len(outstanding)
    assert memory[:64] == memory[-64:] == guard


def test_a_million_mutated_rings():
    """The same without hypothesis, many more: 10,000 by default, RPROCFS_EXAMPLES times that."""
    vq, _ = queue(8)
    ring, outstanding = vq.vring, set()
    for serial, random in rounds(10_000):
        if vq.num_free:
            vq.add_inbuf(serial, 512, serial)
            outstanding.add(serial)
        last = vq._last_used_idx
        ring.used_ring[last & 7] = random.choice(
            (random.getrandbits(64), random.randrange(10) | random.choice((0, 512, 513)) << 32)
        )
        ring.memory[random.randrange(len(ring.memory))] = random.getrandbits(8)
        ring.used[1] = last + random.choice((0, 1, 1, 1, 2, 9, random.getrandbits(16))) & 0xFFFF
        got = outcome(vq)
        token = got.token if isinstance(got, BadRing) else got[0] if got else None
        assert token is None or token in outstanding
        outstanding.discard(token)
        assert vq.num_free == 8 - len(outstanding)
        assert got is None or isinstance(got, BadRing) or got[1] <= 512


OPS = st.lists(st.tuples(st.sampled_from("aaappg"), st.integers(0, 600)), max_size=60)


@given(OPS, st.sampled_from([1, 2, 8, 16]), st.booleans())
@examples(150)
def test_both_ends_against_a_model(ops, num, event_idx):
    """add, pop+push and get_buf in any order are a queue of messages each way."""
    vq, device = queue(num, event_idx=event_idx)
    added, used, serial = [], [], 0
    for op, size in ops:
        if op == "a" and len(added) + len(used) < num:
            vq.add_inbuf(serial, size, serial)
            added.append((serial, size))
            serial += 1
        elif op == "p":
            chain = device.pop()
            assert (chain is None) == (not added)
            if chain:
                token, capacity = added.pop(0)
                assert (chain.descs[0].addr, chain.descs[0].len) == (token, capacity)
                device.push(chain.head, capacity // 2)
                used.append((token, capacity // 2))
        elif op == "g":
            assert vq.get_buf() == (used.pop(0) if used else None)
    assert vq.num_free == num - len(added) - len(used)
