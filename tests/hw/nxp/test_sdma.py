"""The SDMA, by the register descriptions of IMX8MMRM and what its scripts are said to do."""

import struct

import pytest

SDMA1, SDMA2, IRQ = 0x30BD0000, 0x302C0000, 2
MC0PTR, INTR, STOP_STAT, HSTART, EVTOVR, DSPOVR, HOSTOVR, EVTPEND = range(0, 0x20, 4)
RESET, CHNPRI, CHNENBL = 0x24, 0x100, 0x200
CCB, BD, CONTEXT, SOURCE, TARGET = 0x80000000, 0x80001000, 0x80002000, 0x80003000, 0x80004000
DONE, WRAP, CONT, INTERRUPT, ERROR = 1, 2, 4, 8, 16
M2M, UART_TO_M, M_TO_P = 644, 819, 749
UART4, URXD, UTXD, UCR1, UCR2, UCR4, UFCR, USR2 = 0x30A60000, 0, 0x40, 0x80, 0x84, 0x8C, 0x90, 0x98
WAKE, IDLE, WKEN, IDDMAEN = 1 << 7, 1 << 12, 1 << 7, 1 << 6
ECSPI1 = 0x30820000


class Controller:
    """What SDMA_Init(), SDMA_SubmitTransfer() and SDMA_StartTransfer() do."""

    def __init__(self, board, base=SDMA1):
        self.board, self.base = board, base
        self[EVTOVR], self[HOSTOVR] = 1, 0
        self[CHNPRI] = 7
        self[MC0PTR] = CCB

    def __getitem__(self, offset):
        return self.board[self.base + offset]

    def __setitem__(self, offset, value):
        self.board[self.base + offset] = value

    def descriptor(self, channel, number, count, source, target=0, status=0, command=1):
        at = BD + 0x100 * channel + 12 * number
        word = count | (status | DONE) << 16 | command << 24
        self.board.ram.put(at, struct.pack("<3I", word, source, target))
        if not number:
            self.board.ram.put(CCB + 16 * channel, struct.pack("<2I", at, at))
        return at

    def status(self, channel, number=0):
        word = self.board.ram.code(BD + 0x100 * channel + 12 * number, 4)
        return int.from_bytes(word, "little")

    def context(self, channel, script, peripheral=0, watermark=1):
        words = [script, 0, *([0] * 6), peripheral, watermark, *([0] * 22)]
        self.board.ram.put(CONTEXT, struct.pack("<32I", *words))
        self.descriptor(0, 0, 32, CONTEXT, 2048 + 32 * channel, WRAP | INTERRUPT)
        self[HSTART] = 1
        assert not self[STOP_STAT] & 1
        assert self[INTR] & 1
        self[INTR] = 1

    def by_event(self, channel, number):
        self[CHNENBL + 4 * number] |= 1 << channel
        self[HOSTOVR] |= 1 << channel
        self[CHNPRI + 4 * channel] = 3


@pytest.mark.parametrize("base", [SDMA1, SDMA2])
def test_memory_to_memory(board, base):
    sdma = Controller(board, base)
    board.ram.put(SOURCE, bytes(range(200)))
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 2
    sdma.descriptor(1, 0, 100, SOURCE, TARGET, CONT)
    sdma.descriptor(1, 1, 100, SOURCE + 100, TARGET + 300, INTERRUPT)
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert board.ram.code(TARGET, 100) == bytes(range(100))
    assert board.ram.code(TARGET + 300, 100) == bytes(range(100, 200))
    assert not sdma[STOP_STAT]
    assert not (sdma.status(1) | sdma.status(1, 1)) & DONE << 16
    assert sdma[INTR] == 2
    assert board.lines == {IRQ if base == SDMA1 else 103}
    sdma[INTR] = 2
    assert not board.lines


def test_a_channel_without_priority_waits(board):
    sdma = Controller(board)
    sdma[EVTOVR] |= 2
    sdma.descriptor(1, 0, 4, SOURCE, TARGET)
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert sdma[STOP_STAT] == 2
    sdma[CHNPRI + 4] = 1
    assert not sdma[STOP_STAT]


def test_tcm_is_where_linux_has_it(board):
    sdma = Controller(board)
    board.ram.put(0x20000100, b"tcm!")
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 1
    sdma.descriptor(1, 0, 4, 0x800100, TARGET)
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert board.ram.code(TARGET, 4) == b"tcm!"


def test_an_address_of_nothing_is_an_error(board):
    sdma = Controller(board)
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 1
    sdma.descriptor(1, 0, 4, 0x20800000, TARGET, INTERRUPT)
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert sdma.status(1) >> 16 & (ERROR | DONE) == ERROR
    assert sdma[INTR] == 2


@pytest.fixture
def uart(board):
    board[UART4 + UCR1], board[UART4 + UCR2] = 1, 7
    board[UART4 + UFCR] = 2 << 10 | 1
    return board


def test_a_uart_is_sent_to(uart):
    sdma = Controller(uart)
    uart.ram.put(SOURCE, b"sent by the SDMA" * 10)
    sdma.by_event(3, 29)
    sdma.descriptor(3, 0, 160, SOURCE, status=INTERRUPT)
    sdma.context(3, M_TO_P, UART4 + UTXD)
    sdma[EVTPEND] = 8
    assert uart.console.sent == b""
    uart.console.room = 50
    uart[UART4 + UCR1] |= 8  # TXDMAEN
    assert len(uart.console.sent) == 50
    assert not sdma[INTR]
    uart.console.room = 1000
    uart.pass_us(1)
    uart.pass_us(1)
    assert uart.console.sent == b"sent by the SDMA" * 10
    assert sdma[INTR] == 8


def test_a_uart_is_received_from(uart):
    sdma = Controller(uart)
    sdma.by_event(4, 28)
    sdma.descriptor(4, 0, 8, TARGET, status=INTERRUPT)
    sdma.context(4, UART_TO_M, UART4 + URXD)
    sdma[EVTPEND] = 16
    uart[UART4 + UCR1] |= 1 << 8  # RXDMAEN
    uart.console.received += b"12345"
    uart.pass_us(1)
    uart.pass_us(1)
    assert not sdma[INTR]
    uart.console.received += b"678"
    uart.pass_us(1)
    uart.pass_us(1)
    assert uart.ram.code(TARGET, 8) == b"12345678"
    assert sdma[INTR] == 16


def test_silence_closes_a_buffer(uart):
    """ATDMAEN: what came in is less than there was room for, and the count says so."""
    sdma = Controller(uart)
    sdma.by_event(4, 28)
    sdma.descriptor(4, 0, 100, TARGET, status=INTERRUPT | WRAP)
    sdma.context(4, UART_TO_M, UART4 + URXD)
    sdma[EVTPEND] = 16
    uart[UART4 + UCR1] |= 1 << 8 | 1 << 2
    uart[UART4 + UFCR] = 2 << 10 | 8  # fewer do not ask by themselves
    uart.console.received += b"hello"
    uart.pass_us(1)
    assert not sdma[INTR]
    uart.pass_us(1000)
    assert sdma.status(4) == 5 | (INTERRUPT | WRAP) << 16 | 1 << 24
    assert uart.ram.code(TARGET, 5) == b"hello"
    assert sdma[INTR] == 16


def test_an_idle_line_closes_a_buffer_behind_one_more(uart):
    """uart_idle_detect_sdma_transfer: WAKE, then IDLE; it takes a byte less than the count says."""
    sdma = Controller(uart)
    uart.pass_us(1000)
    assert uart[UART4 + USR2] & IDLE  # it always is if no data is received
    uart[UART4 + USR2] = WAKE
    uart[UART4 + UCR4] |= WKEN
    sdma.by_event(4, 28)
    sdma.descriptor(4, 0, 8, TARGET, status=INTERRUPT)
    sdma.context(4, UART_TO_M, UART4 + URXD)
    sdma[EVTPEND] = 16
    uart[UART4 + UCR1] |= 1 << 8
    uart.console.received += b"abc"
    uart.pass_us(1)
    assert uart.lines == {29}
    uart[UART4 + USR2] = IDLE
    uart[UART4 + UCR4] = uart[UART4 + UCR4] & ~WKEN | IDDMAEN
    uart[UART4 + USR2] = WAKE
    assert not uart.lines
    uart.pass_us(1000)
    assert sdma.status(4) & 0xFFFF == 4
    assert uart.ram.code(TARGET, 3) == b"abc"
    assert sdma[INTR] == 16
    assert uart[UART4 + USR2] & IDLE


def test_spi_goes_both_ways(board):
    """As ECSPI_MasterTransferSDMA(): words, looped back."""
    sdma = Controller(board)
    board[ECSPI1 + 8] = 1 | 1 << 4 | 1 << 3 | 31 << 20
    board[ECSPI1 + 0x20] = 1 << 31
    board.ram.put(SOURCE, bytes(range(64)))
    for channel, number, script, peripheral, memory in (
        (1, 1, M_TO_P, ECSPI1 + 4, SOURCE), (2, 0, 685, ECSPI1, TARGET),
    ):  # fmt: skip
        sdma.by_event(channel, number)
        sdma.descriptor(channel, 0, 64, memory, status=INTERRUPT, command=0)
        sdma.context(channel, script, peripheral, 4)
        sdma[EVTPEND] = 1 << channel
    board[ECSPI1 + 0x14] = 1 << 7 | 1 << 23
    for _ in range(3):
        board.pass_us(1)
    assert board.ram.code(TARGET, 64) == bytes(range(64))
    assert sdma[INTR] == 6


def test_code_is_kept_and_one_that_is_loaded_is_said_once(board):
    sdma = Controller(board)
    board.ram.put(SOURCE, b"code")
    sdma.descriptor(0, 0, 2, SOURCE, 6144, WRAP, 4)
    sdma[HSTART] = 1
    sdma.descriptor(0, 0, 2, TARGET, 6144, WRAP, 6)
    sdma[HSTART] = 1
    assert board.ram.code(TARGET, 4) == b"code"
    sdma[CHNPRI + 4] = 1
    sdma[EVTOVR] |= 2
    sdma.context(1, 6308)
    for _ in range(2):
        sdma[HSTART] = 2
    assert board.debug == ["SDMA: no model of the script at 6308"]


@pytest.mark.parametrize("command", [4, 6])
@pytest.mark.parametrize("at", [0xFFF, 0x2001, 0x3000, 0xFFFF_FFFF])
def test_code_outside_of_the_memory_is_an_error(board, command, at):
    sdma = Controller(board)
    sdma.descriptor(0, 0, 16, SOURCE, at, WRAP | INTERRUPT, command)
    sdma[HSTART] = 1
    assert sdma[INTR] & 1
    assert sdma.status(0) & ERROR << 16


def test_a_reset_forgets(board):
    sdma = Controller(board)
    sdma[RESET] = 1
    assert (sdma[MC0PTR], sdma[DSPOVR], sdma[RESET]) == (0, 0xFFFFFFFF, 0)


def test_a_ring_that_renews_itself_keeps_nobody_waiting(board):
    """Two descriptors, each of which gives the other one back to the controller."""
    sdma = Controller(board)
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 1
    first = sdma.descriptor(1, 0, 12, SOURCE + 12, BD + 0x100 + 12, CONT)
    second = sdma.descriptor(1, 1, 12, SOURCE, BD + 0x100, WRAP)
    board.ram.put(SOURCE, board.ram.code(first, 12) + board.ram.code(second, 12))
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert sdma[STOP_STAT] == 2
    assert board.all.deadline == 0
    board.ram.put(SOURCE, bytes(24))
    board.pass_us(1)
    assert not sdma[STOP_STAT]


@pytest.mark.parametrize("count", [0, 1, 3, 10, 0x1003])
@pytest.mark.parametrize("away", [0, 1, 2])
def test_registers_are_copied_as_words_halfwords_and_bytes(board, count, away):
    sdma, gpr = Controller(board), 0x30340000 + away
    sdma[EVTOVR] |= 6
    sdma[CHNPRI + 4] = sdma[CHNPRI + 8] = 2
    board.ram.put(SOURCE, bytes(at % 251 for at in range(count)))
    sdma.descriptor(1, 0, count, SOURCE, gpr)
    sdma.descriptor(2, 0, count, gpr, TARGET + 0x2000)
    for channel in (1, 2):
        sdma.context(channel, M2M)
        sdma[HSTART] = 1 << channel
        assert not sdma.status(channel) & (DONE | ERROR) << 16
    assert board.ram.code(TARGET + 0x2000, count) == board.ram.code(SOURCE, count)


def test_a_copy_that_leaves_the_registers_is_an_error(board):
    sdma = Controller(board)
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 2
    sdma.descriptor(1, 0, 8, 0x30BFFFFC, TARGET)
    sdma.context(1, M2M)
    sdma[HSTART] = 2
    assert sdma.status(1) >> 16 & (DONE | ERROR) == ERROR


def test_a_descriptor_may_be_in_registers(board):
    sdma, gpr = Controller(board), 0x30340000
    sdma[EVTOVR] |= 2
    sdma[CHNPRI + 4] = 2
    sdma.context(1, M2M)
    for at, word in enumerate((4 | DONE << 16, SOURCE, TARGET)):
        board[gpr + 4 * at] = word
    board.ram.put(SOURCE, b"abcd")
    board.ram.put(CCB + 16, struct.pack("<2I", gpr, gpr))
    sdma[HSTART] = 2
    assert board.ram.code(TARGET, 4) == b"abcd"
    assert board[gpr] == 4
