import pytest

from rprocfs.engines.unicorn.instructions import divides, floats, instructions, unmasks, waits

# As GNU as encodes them.
NOP, CPSIE_I, CPSIE_F, CPSIE_IF, CPSID_I = 0xBF00, 0xB662, 0xB661, 0xB663, 0xB672
MSR = {"primask": 16, "basepri": 17, "basepri_max": 18, "faultmask": 19, "control": 20, "msp": 8}


def code(*halfwords):
    return b"".join(one.to_bytes(2, "little") for one in halfwords)


def test_instructions_are_one_or_two_halfwords():
    found = list(instructions(code(NOP, 0xF383, 0x8810, 0xE7FE, 0xE92D, 0x4FF0, 0xFB90)))
    assert found == [
        (0, NOP, -1),
        (2, 0xF383, 0x8810),
        (6, 0xE7FE, -1),
        (8, 0xE92D, 0x4FF0),
        (12, 0xFB90, -1),
    ]
    assert list(instructions(b"")) == list(instructions(b"\0")) == []


@pytest.mark.parametrize("first", [CPSIE_I, CPSIE_F, CPSIE_IF])
def test_cpsie_unmasks(first):
    assert unmasks(first, -1)
    assert not unmasks(NOP, first)


@pytest.mark.parametrize("register", MSR)
def test_msr_unmasks(register):
    masks = register in ("primask", "basepri", "basepri_max", "faultmask")
    assert unmasks(0xF383, 0x8800 | MSR[register]) is masks


def test_what_does_not_unmask():
    assert not unmasks(CPSID_I, -1)
    assert not unmasks(0xF3EF, 0x8310)  # mrs r3, primask


def test_the_others():
    assert divides(0xFB91, 0xF0F2)  # sdiv r0, r1, r2
    assert divides(0xFBB1, 0xF0F2)  # udiv r0, r1, r2
    assert not divides(0xFB01, 0xF002)  # mul r0, r1, r2
    assert floats(0xEE00, 0x0A10)  # vmov s0, r0
    assert floats(0xECB0, 0x0A10)  # vldmia r0!, {s0-s15}
    assert not floats(0xEE01, 0x0F10)  # mcr p15
    assert waits(0xBF30, -1)
    assert waits(0xF3AF, 0x8003)
    assert not waits(0xBF20, -1)
