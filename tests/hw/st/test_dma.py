"""RM0436 chapters 17 and 18: DMA and DMAMUX."""

import pytest

DMA1, DMA2, DMAMUX = 0x48000000, 0x48001000, 0x48002000
LISR, HISR, LIFCR, HIFCR = 0, 4, 8, 12
CR, NDTR, PAR, M0AR, M1AR, FCR = range(0, 24, 4)
EN, TEIE, HTIE, TCIE, CIRC, PINC, MINC = 1, 4, 8, 0x10, 0x100, 0x200, 0x400
FROM_MEMORY, MEMORIES, DBM, CT = 0x40, 0x80, 1 << 18, 1 << 19
HALF, WORD, WIDE = 0x800, 0x1000, 0x4000  # of the peripheral, of the peripheral, of memory
HTIF, TCIF, TEIF = 0x10, 0x20, 8
SRAM, THERE = 0x10000000, 0x10001000
UART4, UART4_RX, UART4_TX = 0x40010000, 63, 64


def stream(dma, number):
    return dma + 0x10 + 0x18 * number


def start(board, at, control, items, source, target):
    board[at + NDTR], board[at + PAR], board[at + M0AR] = items, source, target
    board[at + CR] = control | EN


def test_between_memories(board):
    board.ram[:16] = bytes(range(16))
    at = stream(DMA2, 0)
    start(board, at, MEMORIES | PINC | MINC | WORD | WIDE | TCIE, 4, SRAM, THERE)
    assert board.ram[0x1000:0x1010] == bytes(range(16))
    assert (board[at + CR] & EN, board[at + NDTR], board[DMA2 + LISR]) == (0, 0, HTIF | TCIF)
    assert board.lines == {56}
    board[DMA2 + LIFCR] = TCIF
    assert (board.lines, board[DMA2 + LISR]) == (set(), HTIF)


@pytest.mark.parametrize(
    ("number", "irq"),
    [(0, 11), (1, 12), (2, 13), (3, 14), (4, 15), (5, 16), (6, 17), (7, 47)],
)
def test_every_stream_has_flags_and_an_interrupt(board, number, irq):
    start(board, stream(DMA1, number), MEMORIES | TCIE, 1, SRAM, THERE)
    shift = (0, 6, 16, 22)[number % 4]
    assert board[DMA1 + (HISR if number > 3 else LISR)] == (HTIF | TCIF) << shift
    assert board.lines == {irq}
    board[DMA1 + (HIFCR if number > 3 else LIFCR)] = 0x3D << shift
    assert (board[DMA1 + LISR], board[DMA1 + HISR], board.lines) == (0, 0, set())


@pytest.mark.parametrize("again", [CIRC, DBM])
def test_between_memories_nothing_goes_round(board, again):
    """Forbidden by the manual; it would never end."""
    at = stream(DMA2, 0)
    start(board, at, MEMORIES | again, 4, SRAM, THERE)
    assert (board[at + CR] & EN, board[DMA2 + LISR]) == (0, HTIF | TCIF)


def test_a_fifo_packs(board):
    board.ram[:8] = b"abcdefgh"
    at = stream(DMA1, 2)
    board[at + FCR] = 7
    start(board, at, MEMORIES | PINC | MINC | WIDE, 6, SRAM, THERE)
    assert board.ram[0x1000:0x1008] == b"abcdef\0\0"


def test_what_fills_memory_does_not_count_up(board):
    board.ram[:4] = b"abcd"
    start(board, stream(DMA1, 1), MEMORIES | MINC, 4, SRAM, THERE)
    assert board.ram[0x1000:0x1004] == b"aaaa"


@pytest.mark.parametrize(
    ("source", "target"),
    [(0x60000000, SRAM), (SRAM, 0x1005FFFF), (SRAM, stream(DMA2, 0)), (0xFFFFFFFC, SRAM)],
)
def test_where_nothing_is(board, source, target):
    at = stream(DMA1, 3)
    start(board, at, MEMORIES | WORD | WIDE | PINC | MINC | TEIE, 2, source, target)
    assert (board[at + CR] & EN, board[DMA1 + LISR] >> 22, board.lines) == (0, TEIF, {14})


def test_the_reserved_size(board):
    board.ram[:8] = b"abcdefgh"
    at = stream(DMA1, 0)
    board[at + FCR] = 7
    start(board, at, MEMORIES | PINC | MINC | 0x7800, 2, SRAM, THERE)
    assert board.ram[0x1000:0x1009] == b"abcdefgh\0"


def uart(board, channel, request):
    board[DMAMUX + 4 * channel] = request
    board[UART4] = 1 | 4 | 8


def test_a_uart_sends(board):
    board.ram[:5] = b"hello"
    uart(board, 9, UART4_TX)
    at = stream(DMA2, 1)
    start(board, at, FROM_MEMORY | MINC | TCIE | HTIE, 5, UART4 + 0x28, SRAM)
    assert board.console.sent == b""
    board[UART4 + 8] = 0x80
    assert board.console.sent == b"hello"
    assert (board[DMA2 + LISR] >> 6 & 0x3F, board[UART4 + 0x1C] >> 6 & 1) == (HTIF | TCIF, 1)
    assert 57 in board.lines


def test_a_console_that_is_full_is_waited_for(board):
    board.ram[:5] = b"hello"
    board.console.room = 2
    uart(board, 0, UART4_TX)
    board[UART4 + 8] = 0x80
    start(board, stream(DMA1, 0), FROM_MEMORY | MINC, 5, UART4 + 0x28, SRAM)
    assert (board.console.sent, board[stream(DMA1, 0) + NDTR]) == (b"he", 2)
    board.console.room = 99
    board.all.poll()
    assert board.console.sent == b"hello"
    assert board[DMA1 + LISR] == HTIF | TCIF


def test_much_is_sent_in_parts(board):
    board.ram[:1000] = b"x" * 1000
    uart(board, 0, UART4_TX)
    board[UART4 + 8] = 0x80
    start(board, stream(DMA1, 0), FROM_MEMORY | MINC, 1000, UART4 + 0x28, SRAM)
    while board.all.deadline is not None:
        assert board.all.deadline <= board.time
        board.all.poll()
    assert len(board.console.sent) == 1000


def test_a_uart_receives_round_and_round(board):
    uart(board, 5, UART4_RX)
    board[UART4 + 8] = 0x40
    at = stream(DMA1, 5)
    start(board, at, MINC | CIRC | TCIE | HTIE, 4, UART4 + 0x24, SRAM)
    board.console.received += b"abcdef"
    for _ in range(6):
        board.all.poll()
    assert board.ram[:4] == b"efcd"
    assert (board[at + CR] & EN, board[at + NDTR]) == (1, 2)
    assert board[DMA1 + HISR] >> 6 & 0x3F == HTIF | TCIF


def test_two_buffers_take_turns(board):
    uart(board, 5, UART4_RX)
    board[UART4 + 8] = 0x40
    at = stream(DMA1, 5)
    board[at + M1AR] = THERE
    start(board, at, MINC | DBM, 2, UART4 + 0x24, SRAM)
    board.console.received += b"abc"
    for _ in range(3):
        board.all.poll()
    assert (board.ram[:2], board.ram[0x1000:0x1001]) == (b"ab", b"c")
    assert board[at + CR] & (EN | CT) == EN | CT


def test_a_transfer_can_be_stopped(board):
    uart(board, 5, UART4_RX)
    at = stream(DMA1, 5)
    start(board, at, MINC, 4, UART4 + 0x24, SRAM)
    board[at + NDTR] = 9
    board[at + CR] = 0
    assert (board[at + CR], board[at + NDTR], board[at + FCR]) == (0, 4, 0x21)


def test_a_request_of_nobody(board):
    board[DMAMUX + 4] = 99
    start(board, stream(DMA1, 1), MINC, 4, UART4 + 0x24, SRAM)
    board.all.poll()
    assert board[stream(DMA1, 1) + NDTR] == 4
    board[DMAMUX + 0x84] = 0
    assert board[DMAMUX + 4] == 99


def test_what_is_left_in_the_fifo_goes_to_registers_as_a_halfword_and_a_byte(board):
    board.ram[:3] = b"abc"
    at = stream(DMA2, 0)
    board[at + FCR] = 4
    start(board, at, MEMORIES | PINC | MINC | WIDE, 3, SRAM, UART4 + 0x10)
    assert not board[DMA2 + LISR] & TEIF
    assert not board[at + CR] & EN
