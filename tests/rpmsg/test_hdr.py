"""Message headers and announcements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.rpmsg.hdr import (
    RPMSG_ADDR_ANY,
    RPMSG_HDR_SIZE,
    RPMSG_NS_CREATE,
    RPMSG_NS_DESTROY,
    RPMSG_NS_MSG_SIZE,
    RpmsgHdr,
    RpmsgNsMsg,
    pack_hdr_into,
    unpack_hdr,
)
from tests.examples import examples

U32, U16 = st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF)
NAMES = st.text(st.characters(blacklist_characters="\0", codec="utf-8")).filter(
    lambda name: len(name.encode()) < 32
)


def test_layout():
    hdr = RpmsgHdr(0x400, RPMSG_ADDR_ANY, 0, 5, 0x0102)
    assert hdr.pack() == bytes.fromhex("00040000 ffffffff 00000000 0500 0201")
    ns = RpmsgNsMsg("rpmsg-tty", 0x401, RPMSG_NS_DESTROY)
    assert ns.pack() == b"rpmsg-tty" + bytes(23) + bytes.fromhex("01040000 01000000")
    assert (RPMSG_HDR_SIZE, RPMSG_NS_MSG_SIZE) == (16, 40)


@given(U32, U32, U32, U16, U16, st.binary(max_size=20))
def test_header_there_and_back(src, dst, reserved, length, flags, data):
    hdr = RpmsgHdr(src, dst, reserved, length, flags)
    assert RpmsgHdr.unpack(memoryview(hdr.pack() + data)) == hdr
    buf = bytearray(40)
    pack_hdr_into(buf, 8, *hdr)
    assert buf == bytes(8) + hdr.pack() + bytes(16)
    assert unpack_hdr(buf, 8) == hdr


@given(NAMES, U32, U32)
def test_announcement_there_and_back(name, addr, flags):
    message = RpmsgNsMsg(name, addr, flags)
    assert RpmsgNsMsg.unpack(message.pack()) == message


@pytest.mark.parametrize("size", [0, 1, 15])
def test_short_header(size):
    with pytest.raises(ValueError, match=f"of {size} bytes"):
        RpmsgHdr.unpack(bytes(size))


@pytest.mark.parametrize("size", [0, 5, 39, 41, 496])
def test_announcement_of_another_size(size):
    with pytest.raises(ValueError, match=f"of {size} bytes"):
        RpmsgNsMsg.unpack(bytes(size))


def test_name_without_a_nul_is_cut():
    assert RpmsgNsMsg.unpack(b"n" * 32 + bytes(8)).name == "n" * 31
    assert RpmsgNsMsg("n" * 40, 0).pack()[:32] == b"n" * 31 + b"\0"


@pytest.mark.parametrize(
    ("flags", "destroy"),
    [(RPMSG_NS_CREATE, False), (RPMSG_NS_DESTROY, True), (2, False), (3, True)],
)
def test_bit_0_decides(flags, destroy):
    assert RpmsgNsMsg("x", 1, flags).is_destroy is destroy


@given(st.binary(min_size=40, max_size=40))
@examples(200)
def test_any_announcement_has_a_name_of_its_bytes(data):
    message = RpmsgNsMsg.unpack(data)
    name = message.name.encode("utf-8", "surrogateescape")
    assert name == data[:31].split(b"\0")[0]
