"""RM0436 chapter 33, as HAL_HASH_*_Start() go through it; compared with Python's."""

import hashlib
import hmac

import pytest

HASH2, HASH1, DMA2, DMAMUX = 0x4C002000, 0x54002000, 0x48001000, 0x48002000
CR, DIN, STR, IMR, SR, HR = 0x00, 0x04, 0x08, 0x20, 0x24, 0x310
INIT, DMAE, BYTES, HMAC, DCAL, DINIS, DCIS = 4, 8, 2 << 4, 1 << 6, 1 << 8, 1, 2
ALGORITHMS = {"sha1": 0, "md5": 1 << 7, "sha224": 1 << 18, "sha256": 1 << 7 | 1 << 18}


def feed(board, at, data):
    board[at + STR] = 8 * (len(data) % 4)
    for first in range(0, len(data), 4):
        board[at + DIN] = int.from_bytes(data[first : first + 4].ljust(4, b"x"), "little")
    board[at + STR] = board[at + STR] | DCAL


def digest(board, at, size):
    words = range(HR, HR + size, 4)
    return b"".join(board[at + word].to_bytes(4, "big") for word in words)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 1, 4, 63, 64, 5001])
def test_digests(board, name, size):
    data = bytes(at & 0xFF for at in range(size))
    board[HASH2 + CR] = ALGORITHMS[name] | BYTES | INIT
    assert board[HASH2 + CR] == ALGORITHMS[name] | BYTES
    assert board[HASH2 + SR] == DINIS
    feed(board, HASH2, data)
    wanted = hashlib.new(name, data).digest()
    assert digest(board, HASH2, len(wanted)) == wanted
    assert board[HASH2 + SR] == DINIS | DCIS
    assert [board[HASH2 + 0xC + at] for at in range(0, 16, 4)] == [
        board[HASH2 + HR + at] for at in range(0, 16, 4)
    ]


@pytest.mark.parametrize("name", ["md5", "sha256"])
@pytest.mark.parametrize("key", [b"key!", b"k" * 64, b"long" * 30])
def test_hmac(board, name, key):
    data = b"The quick brown fox jumps over the lazy dog"
    board[HASH1 + CR] = ALGORITHMS[name] | BYTES | HMAC | INIT
    feed(board, HASH1, key)
    assert board[HASH1 + SR] == DINIS
    feed(board, HASH1, data)
    assert board[HASH1 + SR] == DINIS
    feed(board, HASH1, key)
    assert board[HASH1 + SR] == DINIS | DCIS
    wanted = hmac.new(key, data, name).digest()
    assert digest(board, HASH1, len(wanted)) == wanted


@pytest.mark.parametrize(
    ("kind", "word"), [(0, 0x61626364), (1, 0x63646162), (2, 0x64636261), (3, 0x26C64686)]
)
def test_data_types(board, kind, word):
    board[HASH2 + CR] = kind << 4 | INIT
    board[HASH2 + DIN] = word
    board[HASH2 + STR] = DCAL
    assert digest(board, HASH2, 20) == hashlib.sha1(b"abcd").digest()


def test_interrupts(board):
    board[HASH2 + CR] = BYTES | INIT
    board[HASH2 + IMR] = DCIS
    assert board.lines == set()
    feed(board, HASH2, b"abcd")
    assert board.lines == {106}
    board[HASH2 + SR] = 0
    assert (board.lines, board[HASH2 + SR]) == (set(), 0)
    board[HASH2 + IMR] = DINIS
    for _ in range(16):
        board[HASH2 + DIN] = 0
    assert board.lines == {106}


def test_dma_brings_the_message(board):
    """As in HASH_SHA224SHA256_DMA."""
    board.ram[:7] = b"message"
    board[HASH2 + CR] = ALGORITHMS["sha256"] | BYTES | INIT
    board[HASH2 + STR] = 24
    board[DMAMUX + 4 * 15] = 78
    at = DMA2 + 0x10 + 0x18 * 7
    board[at + 4], board[at + 8], board[at + 12] = 2, HASH2 + DIN, 0x10000000
    board[at] = 2 << 13 | 2 << 11 | 0x400 | 0x40 | 0x10 | 1
    assert board.lines == set()
    board[HASH2 + CR] = board[HASH2 + CR] | DMAE
    assert board.lines == {70}
    assert board[HASH2 + SR] & DCIS
    assert board[HASH2 + CR] & DMAE == 0
    assert digest(board, HASH2, 32) == hashlib.sha256(b"message").digest()
