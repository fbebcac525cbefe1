"""I2C and SPI, from UG1087, modules I2C and SPI."""

from rprocfs.hw.bus_device import SpiDevice

I2C, SPI = 0xFF03_0000, 0xFF05_0000
NACK = 1 << 2


def test_an_i2c_address_is_not_acknowledged(board):
    """XIicPs_MasterSendPolled() loops until a transfer is complete, or has failed."""
    assert board[I2C + 0x20] == 0x2FF
    assert board[I2C] == 0
    board[I2C] = 0x4E
    assert board[I2C] == 0x0E  # the FIFO is empty
    board[I2C + 0xC] = 0x55
    board[I2C + 8] = 0x50
    assert board[I2C + 0x10] == NACK
    assert board[I2C + 4] == 0
    assert not board.lines
    board[I2C + 0x24] = NACK
    assert board.lines == {50}
    board[I2C + 0x10] = NACK
    assert board[I2C + 0x10] == 0
    assert not board.lines
    board[I2C + 0x28] = NACK
    assert board[I2C + 0x20] == 0x2FF


def test_an_i2c_slave_begins_nothing(board):
    board[I2C] = 0
    board[I2C + 8] = 0x50
    assert board[I2C + 0x10] == 0


def test_spi_exchanges_bytes_at_once(board):
    """XSpiPs_PolledTransfer() waits for room in the FIFO, then takes what has come in."""
    assert (board[SPI], board[SPI + 4]) == (0x2_0000, 4)
    board[SPI + 0x14] = 1
    for byte in range(3):
        board[SPI + 0x1C] = byte
    assert board[SPI + 4] == 0x14
    assert [board[SPI + 0x20] for _ in range(3)] == [0xFF] * 3
    assert board[SPI + 4] == 4
    board[SPI + 8] = 4
    assert board.lines == {52}
    board[SPI + 0xC] = 4
    assert not board.lines


def test_a_full_fifo_of_spi_overflows(board):
    board[SPI + 0x14] = 1
    for _ in range(128):
        board[SPI + 0x1C] = 1
    assert board[SPI + 4] == 0x34
    board[SPI + 0x1C] = 1
    assert board[SPI + 4] == 0x35
    board[SPI + 4] = 1
    board[SPI + 0x14] = 0
    assert board[SPI + 4] == 4


class Adder(SpiDevice):
    """Answers with what it was sent before, and one."""

    def __init__(self):
        super().__init__()
        self.last, self.selections = 0, []

    def select(self):
        self.selections.append("select")

    def transfer(self, byte):
        self.last, answer = byte, self.last + 1
        return answer

    def deselect(self):
        self.selections.append("deselect")


def test_a_device_on_spi_is_selected_while_it_is_enabled(board):
    device = Adder()
    board.all.connect("SPI1", device)
    board[SPI + 0x14] = 1
    for byte in (5, 6, 7):
        board[SPI + 0x1C] = byte
    assert [board[SPI + 0x20] for _ in range(3)] == [1, 6, 7]
    board[SPI + 0x14] = 0
    assert device.selections == ["select", "deselect"]


def test_a_device_on_spi_is_selected_by_a_pin(board):
    device = Adder()
    board.all.connect("SPI1/GPIO/9", device)
    gpio = 0xFF0A_0000
    board[SPI + 0x14] = 1
    board[SPI + 0x1C] = 5
    assert board[SPI + 0x20] == 0xFF
    board[gpio + 0x204] = board[gpio + 0x208] = 1 << 9  # low
    board[SPI + 0x1C] = 5
    assert board[SPI + 0x20] == 1
    board[gpio] = 0xFDFF_0200
    assert device.selections == ["select", "deselect"]
