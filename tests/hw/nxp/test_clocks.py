"""CCM and PLLs: what the SDK's clock code computes, by the manuals' formulas."""

import pytest

from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ

CCM, ANALOG = 0x30380000, 0x30360000
CORE, UART4, GPT1 = (CCM + 0x8000 + 0x80 * number for number in (1, 97, 107))
LOCK = 1 << 31


def integer_pll(board, offset):
    divide = board[ANALOG + offset + 4]
    return 24_000_000 * (divide >> 12 & 0x3FF) // ((divide >> 4 & 0x3F) << (divide & 7))


def sscg_pll(board, offset):
    """As CLOCK_GetSSCGPllFreq() of the 8M Quad, without spread spectrum."""
    config = board[ANALOG + offset + 8]
    hz = 25_000_000 // ((config >> 25 & 7) + 1)
    hz = hz * 2 * ((config >> 13 & 0x3F) + 1) // ((config >> 19 & 0x3F) + 1)
    return hz * ((config >> 7 & 0x3F) + 1) // ((config >> 1 & 0x3F) + 1)


def test_system_plls_run_as_the_boot_loader_left_them(board):
    for offset, hz in ((0x94, 800_000_000), (0x104, 1_000_000_000), (0x114, 600_000_000)):
        assert board[ANALOG + offset] & LOCK
        assert not board[ANALOG + offset] & 0x13  # OSC24M, no bypass
        assert integer_pll(board, offset) == hz
    assert not board[ANALOG] & LOCK  # audio PLL 1 is off


def test_system_plls_of_the_quad(quad):
    for offset, hz in ((0x30, 800e6), (0x3C, 1000e6), (0x48, 1000e6)):
        assert quad[ANALOG + offset] & LOCK
        assert not quad[ANALOG + offset] & 0xB3
        assert sscg_pll(quad, offset) == pytest.approx(hz, rel=1e-6)


@pytest.mark.parametrize(
    ("machine", "hertz"),
    [(IMX8MM, 400e6), (IMX8MN, 600e6), (IMX8MP, 800e6), (IMX8MQ, 800e6 / 3)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_the_core_runs_at(machine, hertz):
    assert next(iter(machine.cores.values())).cpu_hz == pytest.approx(hertz, rel=1e-6)


def test_a_fractional_pll_locks_as_it_leaves_reset(board):
    """CLOCK_InitFracPll() for 786.432 MHz, as Zephyr's soc.c of the 8M Mini does."""
    board[ANALOG] &= ~(1 << 9)
    assert not board[ANALOG] & LOCK
    board[ANALOG + 4] = 655 << 12 | 5 << 4 | 2
    board[ANALOG + 8] = 23593
    board[ANALOG] |= 1 << 9
    assert board[ANALOG] & LOCK
    board[ANALOG] |= 1 << 13
    assert board[ANALOG] & LOCK
    board[CORE] = 1 << 28 | 5 << 24  # the core from audio PLL 1
    assert board.clocks[-1] == pytest.approx(786_432_000, abs=10)


def test_a_fractional_pll_of_the_quad_acknowledges_its_dividers(quad):
    """CLOCK_InitFracPll(): NEWDIV_ACK, then LOCK. 25 MHz * 8 * 32 / 8 / 1 = 800 MHz."""
    quad[ANALOG] = 1 << 19 | 7 << 5 | 0
    quad[ANALOG + 4] = 31
    quad[ANALOG] |= 1 << 12
    assert quad[ANALOG] & 1 << 11
    quad[ANALOG] &= ~(1 << 19)
    assert quad[ANALOG] & LOCK
    quad[CORE] = 1 << 28 | 5 << 24
    assert quad.clocks[-1] == 25_000_000 // 8 * 8 * 32 // 2


def test_the_core_follows_its_root(board):
    board[CORE] = board[CORE] & ~(7 << 24)  # OSC24M
    board[CORE] = board[CORE] & ~0x7003F | 1  # post divider 2
    board[CORE] |= 4 << 24  # SYSTEM PLL1
    assert board.clocks == [12_000_000, 400_000_000]


def test_registers_have_set_clear_and_toggle(board):
    gate = CCM + 0x4000 + 16 * 73
    board[gate] = 0x3333
    board[gate + 4] = 0x0C
    assert board[gate] == 0x333F
    board[gate + 8] = 0x30
    assert board[gate] == 0x330F
    board[gate + 12] = 0xFF
    assert [board[gate + at] for at in (0, 4, 8, 12)] == [0x33F0] * 4
    board[UART4 + 4] = 1 << 28
    assert board[UART4] & 1 << 28


def test_every_page_of_the_ccm_is_its(board):
    board[CCM + 0xBFF0] = 5
    assert board[CCM + 0xBFF0] == 5
    assert board.debug == []
