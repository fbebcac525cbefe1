"""RM0436 chapter 15. Check values: the catalogue of CRCs, of the text 123456789."""

import pytest

CRC2, CRC1 = 0x4C004000, 0x58009000
DR, IDR, CR, INIT, POL = 0x00, 0x04, 0x08, 0x10, 0x14
TEXT = b"123456789"


def calculate(board, at, data):
    """As HAL_CRC_Calculate() does it with bytes."""
    board[at + CR] = board[at + CR] | 1
    whole = len(data) // 4 * 4
    for first in range(0, whole, 4):
        board[at + DR] = int.from_bytes(data[first : first + 4], "big")
    for byte in data[whole:]:
        board.all.write(at + DR, 1, byte)
    return board[at + DR]


@pytest.mark.parametrize("at", [CRC2, CRC1])
def test_the_default(board, at):
    assert (board[at + DR], board[at + POL]) == (0xFFFFFFFF, 0x04C11DB7)
    assert calculate(board, at, TEXT) == 0x0376E6E7


def test_that_of_ethernet(board):
    board[CRC2 + CR] = 1 << 7 | 1 << 5
    assert calculate(board, CRC2, TEXT) ^ 0xFFFFFFFF == 0xCBF43926


@pytest.mark.parametrize(
    ("size", "polynomial", "init", "crc"),
    [(1, 0x1021, 0xFFFF, 0x29B1), (1, 0x8005, 0, 0xFEE8), (2, 0x07, 0, 0xF4), (3, 0x09, 0, 0x75)],
)
def test_other_polynomials(board, size, polynomial, init, crc):
    board[CRC2 + POL], board[CRC2 + INIT], board[CRC2 + CR] = polynomial, init, size << 3
    assert calculate(board, CRC2, TEXT) == crc


def test_the_example_of_cube(board):
    """CRC_UserDefinedPolynomial."""
    board[CRC2 + POL], board[CRC2 + CR] = 155, 2 << 3
    board[CRC2 + CR] = 2 << 3 | 1
    board[CRC2 + DR] = 0x1234
    assert board[CRC2 + DR] == 0xEF


@pytest.mark.parametrize(
    ("mode", "word"), [(1, 0x80C0A060), (2, 0xC08060A0), (3, 0x60A0C080)], ids=["8", "16", "32"]
)
def test_reversed_input(board, mode, word):
    board[CRC2 + DR] = word
    plain = board[CRC2 + DR]
    board[CRC2 + CR] = mode << 5 | 1
    board[CRC2 + DR] = 0x01030506
    assert board[CRC2 + DR] == plain


def test_a_note_and_the_reset(board):
    board[CRC2 + IDR] = 0x12345678
    assert calculate(board, CRC2, TEXT)
    board[CRC2 + CR] = 1
    assert (board[CRC2 + CR], board[CRC2 + DR]) == (0, 0xFFFFFFFF)
    assert board[CRC2 + IDR] == 0x12345678
