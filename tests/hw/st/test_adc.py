"""RM0436 chapter 28, in the order in which HAL_ADC_Init(), _Start() and _Stop() go through it."""

import pytest

ADC1, ADC2, TIM2, DMA1, DMAMUX = 0x48003000, 0x48003100, 0x40000000, 0x48000000, 0x48002000
ISR, IER, CR, CFGR, SQR1, DR = 0x00, 0x04, 0x08, 0x0C, 0x30, 0x40
ADRDY, EOC, EOS, LDORDY = 1, 4, 8, 1 << 12
ADEN, ADDIS, ADSTART, ADSTP, ADVREGEN, ADCAL = 1, 2, 4, 16, 1 << 28, 1 << 31
DEEPPWD, BITS12, CONT, T2_TRGO = 1 << 29, 2 << 2, 1 << 13, 11 << 5 | 1 << 10


@pytest.fixture(params=[ADC1, ADC2])
def at(board, request):
    """Calibrated, enabled, 12 bits."""
    at = request.param
    assert board[at + CR] == DEEPPWD
    board[at + CR] = 0
    board[at + CR] = ADVREGEN
    assert board[at + ISR] == LDORDY
    board[at + CR] = ADVREGEN | ADCAL | 1 << 16
    assert board[at + CR] & (ADCAL | 0x3F << 22) == 0x3F << 22
    board[at + CR] = ADVREGEN | ADEN
    assert board[at + ISR] & ADRDY
    board[at + CFGR] = BITS12
    return at


def test_a_conversion(board, at):
    board[at + CR] = board[at + CR] | ADSTART
    assert (board[at + ISR] & EOC, board[at + CR] & ADSTART) == (0, ADSTART)
    board.pass_us(10)
    assert board[at + ISR] & (EOC | EOS) == EOC | EOS
    assert board[at + CR] & (ADSTART | ADEN) == ADEN
    assert board[at + DR] == 0x800
    assert board[at + ISR] & (EOC | EOS) == EOS
    board[at + ISR] = EOS
    assert board[at + ISR] & (EOC | EOS) == 0


@pytest.mark.parametrize(("res", "value"), [(0, 0x8000), (1, 0x2000), (3, 0x200), (4, 0x80)])
def test_resolutions(board, at, res, value):
    board[at + CFGR] = res << 2
    board[at + CR] = board[at + CR] | ADSTART
    board.pass_us(10)
    assert board[at + DR] == value


def test_a_sequence_waits_for_whoever_reads_it(board, at):
    board[at + SQR1] = 2
    board[at + CR] = ADVREGEN | ADSTART
    seen = []
    for _ in range(3):
        board.pass_us(100)
        seen.append(board[at + ISR] & (EOC | EOS))
        assert board[at + DR] == 0x800
    board.pass_us(100)
    assert seen == [EOC, EOC, EOC | EOS]
    assert (board[at + ISR] & EOC, board.all.deadline) == (0, None)


def test_interrupts(board, at):
    board[at + IER] = EOC
    board[at + CR] = ADVREGEN | ADSTART
    assert board.all.deadline == board.time + 10_000
    board.pass_us(10)
    assert board.lines == {18 if at == ADC1 else 90}
    board[at + ISR] = EOC
    assert board.lines == set()


def test_stop_and_disable(board, at):
    board[at + CFGR] = CONT
    board[at + CR] = ADVREGEN | ADSTART
    board[at + CR] = ADVREGEN | ADSTP
    assert (board[at + CR], board.all.deadline) == (ADVREGEN | ADEN, None)
    board[at + CR] = ADVREGEN | ADDIS
    assert (board[at + CR], board[at + ISR] & ADRDY) == (ADVREGEN, 0)
    board[at + CR] = ADVREGEN | ADSTART
    assert board[at + CR] == ADVREGEN


def test_a_timer_triggers_it_and_dma_takes_it_away(board):
    """As OpenAMP_TTY_echo_wakeup of STM32CubeMP1 has it."""
    board[0x50000000 + 0x048] = 0  # the HSI: 64 MHz
    board[TIM2 + 0x28], board[TIM2 + 0x2C], board[TIM2 + 4] = 63, 999, 2 << 4
    board[TIM2 + 0x14] = 1
    board[ADC2 + CR] = ADVREGEN
    board[ADC2 + CR] = ADVREGEN | ADEN
    board[ADC2 + CFGR] = BITS12 | T2_TRGO | 3
    board[DMAMUX] = 10
    board[DMA1 + 0x14], board[DMA1 + 0x18], board[DMA1 + 0x1C] = 4, ADC2 + DR, 0x10000000
    board[DMA1 + 0x10] = 1 << 13 | 1 << 11 | 0x400 | 0x100 | 0x18 | 1
    board[TIM2] = 1
    assert board.all.deadline is None
    board[ADC2 + CR] = ADVREGEN | ADSTART
    assert board.all.deadline == board.time + 1_000_000
    counts = []
    for _ in range(6):
        board.pass_us(1000)
        board.pass_us(10)
        counts.append(board[DMA1 + 0x14])
    assert counts == [3, 2, 1, 4, 3, 2]
    assert board.ram[:8] == b"\x00\x08" * 4
    assert board.lines == {11}
    assert board[ADC2 + ISR] & EOC == 0


def test_a_trigger_that_is_too_fast_does_not_stop_time(board):
    board[TIM2 + 0x2C], board[TIM2 + 4] = 1, 2 << 4
    board[ADC1 + CR] = ADVREGEN
    board[ADC1 + CR] = ADVREGEN | ADEN
    board[ADC1 + CFGR] = T2_TRGO
    board[ADC1 + CR] = ADVREGEN | ADSTART
    board[TIM2] = 1
    before = board.all.wires.now()
    board.pass_us(500)
    assert board.all.wires.now() == before + 500_000


@pytest.mark.parametrize(
    ("rank", "register", "shift"), [(1, 0, 6), (4, 0, 24), (5, 4, 0), (16, 12, 6)]
)
def test_the_channel_of_a_rank_is_converted(board, at, rank, register, shift):
    """SQR1 to SQR4; a channel is sampled when it is converted."""
    unit = (at - ADC1) // 0x100 + 1
    board.all.inputs[f"ADC/{unit}/in_voltage19_raw"].drive(0x1230)
    board[at + SQR1] = rank - 1
    board[at + SQR1 + register] = board[at + SQR1 + register] | 19 << shift
    board[at + CR] = board[at + CR] | ADSTART
    for _ in range(rank):
        board.pass_us(10)
        value = board[at + DR]
    assert value == 0x123
    board.all.inputs[f"ADC/{unit}/in_voltage19_raw"].drive(0xFFF0)
    assert board[at + DR] == 0x123


def test_injected_channels(board, at):
    unit = (at - ADC1) // 0x100 + 1
    board.all.inputs[f"ADC/{unit}/in_voltage3_raw"].drive(0xFFFF)
    board[at + 0x4C] = 1 | 3 << 15
    board[at + CR] = board[at + CR] | 8
    assert (board[at + 0x80], board[at + 0x84]) == (0x800, 0xFFF)


def test_a_channel_that_there_is_not(board, at):
    board[at + SQR1] = 31 << 6
    board[at + CR] = board[at + CR] | ADSTART
    board.pass_us(10)
    assert board[at + DR] == 0
