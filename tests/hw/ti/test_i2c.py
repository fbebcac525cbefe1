"""The I2C controller, by SPRUIV7 and the order in which Zephyr's i2c_omap.c goes."""

import pytest

from rprocfs.hw.bus_device import I2cDevice

MCU_I2C0, I2C2, IRQ = 0x04900000, 0xA0020000, 17
SYSC, RAW, STATUS, ENABLE_SET, ENABLE_CLR = 0x10, 0x24, 0x28, 0x2C, 0x30
SYSS, BUF, CNT, DATA, CON, SA, BUFSTAT = 0x90, 0x94, 0x98, 0x9C, 0xA4, 0xAC, 0xC0
EN, MST, TRX, STP, STT = 1 << 15, 1 << 10, 1 << 9, 2, 1
NACK, ARDY, RRDY, XRDY, BB, RDR, XDR = (1 << bit for bit in (1, 2, 3, 4, 12, 13, 14))


class Register(I2cDevice):
    """One that answers with what was written to it, counting up; it refuses 0xee."""

    def __init__(self):
        super().__init__()
        self.seen, self.value = [], 0

    def start(self, reading):
        self.seen.append("read" if reading else "write")
        return True

    def write(self, byte):
        self.seen.append(byte)
        self.value = byte
        return byte != 0xEE

    def read(self):
        self.value += 1
        return self.value & 0xFF

    def stop(self):
        self.seen.append("stop")


class Driver:
    """i2c_omap_init_ll() and i2c_omap_transfer_message()."""

    def __init__(self, board, base=MCU_I2C0):
        self.board, self.base = board, base
        self[SYSC] |= 2
        self[CON] = EN
        assert self[SYSS] & 1
        self.fifo = (8 << (self[BUFSTAT] >> 14)) // 2

    def __getitem__(self, register):
        return self.board[self.base + register]

    def __setitem__(self, register, value):
        self.board[self.base + register] = value

    def begin(self, address, count, flags):
        threshold = min(count, self.fifo) - 1
        self[BUF] = threshold << 8 | threshold | 1 << 14 | 1 << 6
        self[SA], self[CNT] = address, count
        self[STATUS] = 0x601F
        self[CON] = EN | MST | STT | flags

    def step(self, data, reading):
        """What i2c_omap_transfer_message_ll() does once: the flags that end it, or None."""
        raw = self[RAW] & ~(XDR | XRDY if reading else RDR | RRDY)
        if raw & (ARDY | NACK):
            self[STATUS] = NACK | ARDY | RRDY | RDR | XRDY | XDR
            return raw & NACK
        if raw & (RRDY | RDR):
            data += [self[DATA] for _ in range(self[BUFSTAT] >> 8 & 0x3F)]
        elif raw & (XRDY | XDR):
            for _ in range(self[BUFSTAT] & 0x3F):
                self[DATA] = data.pop(0)
        return None

    def transfer(self, address, data, count, flags):
        self.begin(address, count, flags)
        for _ in range(100):
            end = self.step(data, not flags & TRX)
            if end is not None:
                return end
        raise AssertionError("it does not end")


@pytest.fixture
def device(board):
    made = Register()
    board.all.connect("MCU_I2C0/0x48", made)
    return made


def test_a_device_answers(board, device):
    """Writes a byte, reads three behind a repeated start."""
    driver, got = Driver(board), []
    assert driver.transfer(0x48, [0x20], 1, TRX) == 0
    assert driver[RAW] & BB
    assert driver.transfer(0x48, got, 3, STP) == 0
    assert got == [0x21, 0x22, 0x23]
    assert device.seen == ["write", 0x20, "read", "stop"]
    assert driver[RAW] & BB == 0
    assert driver[CON] == EN


@pytest.mark.parametrize("count", [1, 15, 16, 17, 32, 33, 63, 64, 200])
def test_transfers_of_any_length(board, device, count):
    driver, data, got = Driver(board), list(range(count)), []
    assert driver.transfer(0x48, data, count, TRX | STP) == 0
    assert (data, device.seen) == ([], ["write", *range(count), "stop"])
    device.value = 0
    assert driver.transfer(0x48, got, count, STP) == 0
    assert got == list(range(1, count + 1))


def test_nobody_answers(board):
    """i2c_omap sends the stop by itself then."""
    driver, got = Driver(board), []
    assert driver.transfer(0x50, got, 1, STP) == NACK
    driver[CON] |= STP
    assert driver[RAW] & (BB | ARDY) == ARDY
    assert got == []


def test_a_byte_is_refused(board, device):
    driver, data = Driver(board), [1, 0xEE, 3]
    assert driver.transfer(0x48, data, 3, TRX | STP) == NACK
    driver[CON] |= STP
    assert device.seen == ["write", 1, 0xEE, "stop"]


def test_it_interrupts(board, device):
    driver = Driver(board)
    driver[ENABLE_SET] = ARDY | RRDY
    driver.begin(0x48, 1, STP)
    assert board.lines == {IRQ}
    assert driver[STATUS] == RRDY
    assert driver[DATA] == 1
    assert driver[STATUS] == ARDY
    driver[STATUS] = ARDY
    assert board.lines == set()
    driver[RAW] = ARDY
    assert board.lines == {IRQ}
    driver[ENABLE_CLR] = ARDY
    assert (board.lines, driver[ENABLE_SET]) == (set(), RRDY)


def test_a_reset_ends_a_transfer(board, device):
    driver = Driver(board)
    driver.begin(0x48, 4, TRX)
    driver[SYSC] = 2
    assert driver[RAW] == driver[CON] == 0
    assert device.seen == ["write", "stop"]


def test_those_of_the_main_domain(board):
    board.all.connect("I2C2/0x48", Register())
    board.region(4, 0xA0000000, 0x20000000)
    assert Driver(board, I2C2).transfer(0x48, [1], 1, TRX | STP) == 0
    assert board.debug == []
