"""The STM32MP157 as a whole."""

from rprocfs.soc.stm32mp1 import DEVICES, RANGES, STM32MP157


def test_what_has_no_model_keeps_what_is_written_and_is_named_once(board):
    board.all.write(0x4400A002, 1, 0x5A)
    board.all.write(0x4400A000, 2, 0x1234)
    assert board[0x4400A000] == 0x5A1234
    assert board[0x4400A004] == 0
    assert board.debug == ["no model of what is at 0x4400a000"]


def test_identity(board):
    assert board[0x50081000] & 0xFFF == 0x500
    assert board[0x50020000] & 7 != 4  # no engineering boot


def test_everything_modelled_is_where_peripherals_are(board):
    pages = list(board.all.pages)
    assert all(any(at <= page < at + size for at, size in RANGES) for page in pages)
    assert all(at % 0x1000 == 0 == size % 0x1000 for at, size in board.all.ranges)


def test_every_register_can_be_touched(board):
    """Whatever is written to the pages with models: no traceback, and reads are words."""
    pages = set(board.all.pages)
    for page in pages:
        for value in (0, 0xFFFFFFFF):
            for offset in range(0, 0x1000, 4):
                board[page + offset] = value
                assert 0 <= board[page + offset] <= 0xFFFFFFFF
        board.pass_us(1)


def test_memory_is_seen_twice():
    find = {bank.da: bank.offset for bank in STM32MP157.banks}
    assert find[0x10000000] == find[0x30000000] == 0
    assert find[0] == find[0x38000000] == 0x60000
    assert STM32MP157.memory_size == 0x70000
    assert STM32MP157.boot("cortex-m4", 1, [0x10000000]).address == 0


def test_the_device_table_has_everything_once(board):
    names, bases = [one.name for one in DEVICES], [one.base for one in DEVICES]
    assert len(set(names)) == len(set(bases)) == len(DEVICES) == len(board.all.pages)
    irqs = [irq for one in DEVICES for irq in one.irqs]
    assert len(set(irqs)) == len(irqs)
    assert max(irqs) < STM32MP157.cores["cortex-m4"].irqs
    requests = [number for one in DEVICES for number in one.dma if number]  # 0: none
    assert len(set(requests)) == len(requests)
