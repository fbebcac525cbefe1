"""The CAN controllers: modes, loopback, filters, a bus without others."""

import pytest

SRR, MSR, BRPR, BTR, ECR, ESR, SR, ISR, IER, ICR = range(0, 0x28, 4)
TX, HIGH, RX, AFR, MASK, FILTER = 0x30, 0x40, 0x50, 0x60, 0x64, 0x68
CONFIG, LOOPBACK, SLEEP, NORMAL = 1, 2, 4, 8
FRAME = (2000 << 21, 8 << 28, 0x0001_0203, 0x0405_0607)


@pytest.fixture(params=[(0xFF06_0000, 55), (0xFF07_0000, 56)])
def can(request, board):
    """A controller's registers."""

    class Can:
        base, irq = request.param
        lines = board.lines

        def __getitem__(self, offset):
            return board[self.base + offset]

        def __setitem__(self, offset, value):
            board[self.base + offset] = value

        def send(self, frame, at=TX):
            for index, word in enumerate(frame):
                self[at + 4 * index] = word

        def receive(self):
            return tuple(self[RX + 4 * index] for index in range(4))

    return Can()


@pytest.fixture
def loop(can):
    can[SRR] = 1
    can[BRPR], can[BTR] = 29, 0x1AF
    can[MSR] = LOOPBACK
    can[SRR] = 2
    return can


def test_reset(can):
    assert can[SR] == CONFIG
    assert can[ISR] == 0x6000
    assert (can[BRPR], can[0x2C]) == (0, 0x3F3F)
    can[BRPR] = 29
    can[SRR] = 1
    assert (can[SR], can[BRPR], can[SRR]) == (CONFIG, 0, 0)


def test_loopback(loop):
    assert loop[SR] & 0xF == LOOPBACK
    loop[IER] = 0x10
    loop.send(FRAME)
    assert loop[ISR] & 0x92 == 0x92
    assert loop.lines == {loop.irq}
    assert loop.receive() == FRAME
    loop[ICR] = 0x92
    assert loop[ISR] == 0x6000
    assert loop.lines == set()


def test_the_high_priority_buffer_and_order(loop):
    others = [(number << 21, 0, 0, 0) for number in range(3)]
    for frame in others:
        loop.send(frame)
    loop.send(FRAME, HIGH)
    assert [loop.receive() for _ in range(4)] == [*others, FRAME]


def test_the_fifo_overflows_and_underflows(loop):
    for _ in range(64):
        loop.send(FRAME)
    assert not loop[ISR] & 0x40
    loop.send(FRAME)
    assert loop[ISR] & 0x1040 == 0x1040
    for _ in range(64):
        assert loop.receive() == FRAME
    loop[ICR] = 0xFFFF
    assert loop.receive() == (0, 0, 0, 0)
    assert loop[ISR] & 0x20


def test_a_filter(loop):
    loop[MASK], loop[FILTER] = 0xFFE0_0000, FRAME[0]
    loop[AFR] = 1
    loop.send((5 << 21, 0, 0, 0))
    loop.send(FRAME)
    assert loop.receive() == FRAME
    loop[ICR] = 0x80
    assert not loop[ISR] & 0x80


def test_the_mode_cannot_be_changed_while_it_is_enabled(loop):
    loop[MSR] = 0
    assert loop[SR] & 0xF == LOOPBACK
    loop[SRR] = 0
    assert loop[SR] == CONFIG
    loop[MSR] = 0
    loop[SRR] = 2
    assert loop[SR] & 0xF == NORMAL


def test_sleep(can):
    can[SRR] = 2
    can[MSR] = 1
    assert can[SR] & 0xF == SLEEP
    assert can[ISR] & 0x400
    can[MSR] = 0
    assert can[SR] & 0xF == NORMAL
    assert can[ISR] & 0x800


def test_alone_on_the_bus_nothing_is_acknowledged(can):
    can[SRR] = 2
    can.send(FRAME)
    assert can[ESR] == 0x10
    assert can[ISR] & 0x102 == 0x100
    assert can[SR] >> 7 & 3 == 3
    assert can[ECR] == 0x80
    can[ESR] = 0x10
    assert can[ESR] == 0
    can[SRR] = 1
    assert can[ECR] == 0


def test_configuration_begins_with_no_events(can):
    can[SRR] = 2
    can.send(FRAME)
    can[SRR] = 0
    assert (can[ESR], can[ISR] & 0xF53) == (0, 0)


def test_what_is_in_use_cannot_be_changed(can):
    can[8], can[0xC], can[MASK], can[FILTER], can[AFR] = 3, 5, 7, 9, 1
    can[SRR] = 2
    for register in (8, 0xC, MASK, FILTER):
        can[register] = 1
    assert (can[8], can[0xC], can[MASK], can[FILTER]) == (3, 5, 7, 9)
    can[SRR] = can[AFR] = 0
    for register in (8, MASK):
        can[register] = 1
    assert (can[8], can[MASK]) == (1, 1)
