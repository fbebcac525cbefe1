"""The ports of pru_rproc.c and wkup_m3_rproc.c: what they decide stands there (Linux 6.12)."""

import errno
from functools import partial

import pytest

from rprocfs.remoteproc.core import rproc_boot
from rprocfs.testing.elf import ElfImage, Section, Segment
from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.tree_board import image

SOURCE = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    pruss@4a300000 {
        compatible = "ti,am3356-pruss";
        #address-cells = <1>;
        #size-cells = <1>;
        ranges = <0 0x4a300000 0x80000>;
        memories@0 {
            reg = <0x0 0x2000>, <0x2000 0x2000>, <0x10000 0x3000>;
            reg-names = "dram0", "dram1", "shrdram2";
        };
        interrupt-controller@20000 { compatible = "ti,am3356-pruss-intc"; };
        pru@34000 {
            compatible = "ti,am3356-pru";
            reg = <0x34000 0x2000>, <0x22000 0x400>, <0x22400 0x100>;
            reg-names = "iram", "control", "debug";
            firmware-name = "pru0-fw";
            services = "rpmsg-pru@30";
        };
        pru@38000 {
            compatible = "ti,am642-pru";
            reg = <0x38000 0x3000>, <0x24000 0x400>, <0x24400 0x100>;
            reg-names = "iram", "control", "debug";
            firmware-name = "pru1-fw";
        };
    };
    wkup_m3@100000 {
        compatible = "ti,am3352-wkup-m3";
        reg = <0x100000 0x4000>, <0x180000 0x2000>;
        reg-names = "umem", "dmem";
        ti,pm-firmware = "pm.elf";
    };
};
"""
PRU0, PRU1, WKUP = range(3)
CODE, DATA = {"p_flags": 5}, {"p_flags": 6}
EM_TI_PRU = 144
HERE = "/sys/kernel/debug/remoteproc/remoteproc0"


@pytest.fixture
def board(tree_board):
    return partial(tree_board, SOURCE)


def _image(*segments, **header):
    return image(*segments, e_machine=EM_TI_PRU, **header)


@pytest.mark.parametrize(
    ("number", "da", "size"),
    [
        (PRU0, 0x0, 0x2000),
        (PRU0, 0x2000, 0x2000),
        (PRU0, 0x10000, 0x3000),
        (PRU1, 0x0, 0x2000),
        (PRU1, 0x2000, 0x2000),
        (PRU1, 0x10000, 0x3000),
        (WKUP, 0x0, 0x4000),
        (WKUP, 0x80000, 0x2000),
    ],
)
def test_both_sides_of_every_edge(board, number, da, size):
    made = board()
    assert len(made.find(da, size, number)) == size
    assert len(made.find(da + size - 1, 1, number)) == 1
    assert made.find(da, 0, number) is None
    assert made.find(da, size + 1, number) is None
    assert made.find(da + size - 1, 2, number) is None
    rproc = made.rproc(number)
    assert any((mem.da, mem.size) == (da, size) for mem in rproc.ops.memories(rproc))


@pytest.mark.parametrize(
    ("number", "da", "size", "flags", "errno_"),
    [
        (PRU0, 0x0, 0x2000, CODE, 0),
        (PRU0, 0x0, 0x2004, CODE, errno.EINVAL),
        (PRU0, 0x1FFC, 4, CODE, 0),
        (PRU0, 0x2000, 4, CODE, errno.EINVAL),  # code is never data RAM
        (PRU0, 0x20000000, 0x2000, CODE, 0),  # as GNU ld has it
        (PRU0, 0x20001FFC, 4, CODE, 0),
        (PRU0, 0x20002000, 4, CODE, errno.EINVAL),
        (PRU0, 0x20000000, 4, DATA, errno.EINVAL),  # data is never IRAM
        (PRU1, 0x0, 0x3000, CODE, 0),
        (PRU1, 0x0, 0x3004, CODE, errno.EINVAL),
        (PRU0, 0x0, 0x2000, DATA, 0),
        (PRU0, 0x1FFC, 8, DATA, errno.EINVAL),  # over two data RAMs
        (PRU0, 0x2000, 0x2000, DATA, 0),
        (PRU0, 0x4000, 4, DATA, errno.EINVAL),
        (PRU0, 0xFFFC, 4, DATA, errno.EINVAL),
        (PRU0, 0x10000, 0x3000, DATA, 0),
        (PRU0, 0x13000, 4, DATA, errno.EINVAL),
    ],
)
def test_a_segment(board, number, da, size, flags, errno_):
    made = board()
    segment = Segment(da, b"x" * size, header=flags)
    assert made.boot(_image(segment), number) == errno_
    said = f"remoteproc{number}: bad phdr da {da:#x} mem {size:#x}"
    assert (said in made.log) == bool(errno_)


def test_the_iram_and_the_data_ram_at_one_address_are_two(board):
    made = board()
    code, data = Segment(0, b"code", header=CODE), Segment(0, b"data", header=DATA)
    assert made.boot(_image(code, data)) == 0
    assert bytes(made.find(0, 4)) == b"data"
    assert bytes(made.rproc().ops.iram_at(0, 4)) == b"code"


def test_a_core_sees_its_own_data_ram_first(board):
    made = board()
    made.find(0, 4, PRU0)[:] = b"own0"
    assert bytes(made.find(0x2000, 4, PRU1)) == b"own0"
    made.find(0x10000, 4, PRU0)[:] = b"both"
    assert bytes(made.find(0x10000, 4, PRU1)) == b"both"


def test_what_the_file_does_not_fill_is_left(board):
    """The driver does not zero .bss, and skips a segment that has nothing else."""
    made = board()
    made.find(0, 8)[:] = b"12345678"
    part = Segment(0, b"ab", memsz=8, header=DATA)
    bss = Segment(0x70000000, b"", memsz=8, header=DATA)
    assert made.boot(_image(part, bss)) == 0
    assert bytes(made.find(0, 8)) == b"ab345678"


@pytest.mark.parametrize(("da", "size"), [(0x2, 4), (0x0, 6)])
def test_the_iram_of_an_icssg_takes_words(board, da, size):
    made = board()
    segment = Segment(da, b"x" * size, header=CODE)
    assert made.boot(_image(segment), PRU1) == errno.EINVAL
    assert f"PRU memory copy failed for da {da:#x} memsz {size:#x}" in made.log
    assert made.boot(_image(segment), PRU0) == 0


def test_a_virtio_device_needs_a_doorbell(board):
    firmware = _image(Segment(0, b"code", header=CODE), table=resource_table([vdev()]), at=0x200)
    made = board()
    assert made.boot(firmware) == errno.EINVAL
    assert ".kick method not defined for 4a334000.pru" in made.log
    vring = ('firmware-name = "pru0-fw";', 'firmware-name = "pru0-fw"; interrupt-names = "vring";')
    made = board(vring)
    assert made.boot(firmware) == 0
    assert made.shell.exists("/sys/bus/rpmsg/devices/virtio0.rpmsg-pru.-1.30")


def _map(*mappings, kind=0, count=None):
    rows = b"".join(bytes(row) for row in mappings)
    return bytes((kind, len(mappings) if count is None else count)) + rows


@pytest.mark.parametrize(
    ("section", "code", "said"),
    [
        (_map((16, 2, 2), (17, 0, 0)), 0, ""),
        (_map((63, 9, 9)), 0, ""),
        (_map((64, 0, 0)), errno.EINVAL, "fw mapping 0: event 64 chnl 0 host 0"),
        (_map((16, 10, 0)), errno.EINVAL, "fw mapping 0: event 16 chnl 10 host 0"),
        (_map((16, 0, 10)), errno.EINVAL, "fw mapping 0: event 16 chnl 0 host 10"),
        (_map((16, 2, 2), (16, 3, 3)), errno.EINVAL, "fw mapping 1: event 16 chnl 3 host 3"),
        (_map((16, 2, 2), (17, 2, 3)), errno.EINVAL, "fw mapping 1: event 17 chnl 2 host 3"),
        (_map((16, 2, 2), kind=1), errno.EINVAL, "unsupported rsc type: 1"),
        (_map((16, 2, 2), count=2), errno.EINVAL, "can't start rproc 4a334000.pru: -22"),
        (_map(count=161), errno.EINVAL, "can't start rproc 4a334000.pru: -22"),
        (_map(), 0, ""),
        (b"\0", errno.EINVAL, "header-less .pru_irq_map section"),
    ],
)
def test_the_interrupts_of_an_image(board, section, code, said):
    made = board()
    code_segment = Segment(0, b"code", header=CODE)
    sections = [Section(".pru_irq_map", 0, section)]
    firmware = ElfImage([code_segment], sections, header={"e_machine": EM_TI_PRU}).build()
    assert made.boot(firmware) == code
    assert said in made.log


def test_interrupts_without_a_controller(board):
    made = board(("interrupt-controller@20000", "intc@20000"))
    sections = [Section(".pru_irq_map", 0, _map((16, 2, 2)))]
    firmware = ElfImage([Segment(0, b"code", header=CODE)], sections).build()
    assert made.boot(firmware) == errno.ENODEV


def test_registers(board):
    made = board()
    assert made.boot(_image(Segment(0, b"code", header=CODE), e_entry=0x20)) == 0
    text = made.shell.cat(f"{HERE}/regs")
    assert "CTRL      := 0x00088002\n" in text
    assert text.endswith("PRU is executing, cannot print/access debug registers.\n")
    made.shell.echo(f"{HERE}/single_step", "1")
    assert made.shell.cat(f"{HERE}/single_step") == "1\n"
    assert "CTRL      := 0x00088102\n" in made.shell.cat(f"{HERE}/regs")
    made.shell.echo(f"{HERE}/single_step", "0")
    assert made.write(0, "state", "stop") == 0
    text = made.shell.cat(f"{HERE}/regs")
    assert "CTRL      := 0x00080000\n" in text
    assert "GPREG31 := 0x00000000\tCT_REG31 := 0x00000000\n" in text


def test_what_userspace_sees(board):
    made = board()
    assert [made.read(n, "name") for n in range(3)] == ["4a334000.pru", "4a338000.pru", "wkup_m3"]
    assert [made.read(n, "firmware") for n in range(3)] == ["pru0-fw", "pru1-fw", "pm.elf"]
    assert [made.read(n, "recovery") for n in range(3)] == ["disabled", "disabled", "enabled"]
    for file, mode in [("state", 0o644), ("firmware", 0o644)]:
        path = "/sys/class/remoteproc/remoteproc{}/" + file
        assert made.shell.lookup(path.format(PRU0)).mode == mode
        assert made.shell.lookup(path.format(WKUP)).mode == 0o444


def test_the_wake_up_core_is_its_drivers(board, tmp_path):
    made = board()
    assert made.write(WKUP, "state", "start") in (errno.EACCES, errno.EPERM)
    table = resource_table([vdev()])
    (tmp_path / "pm.elf").write_bytes(image((0x80000, b"data"), table=table, at=0x100))
    with pytest.raises(OSError) as caught:
        rproc_boot(made.rproc(WKUP))
    assert caught.value.errno == errno.EINVAL
    assert ".kick method not defined for wkup_m3" in made.log
    (tmp_path / "pm.elf").write_bytes(image((0x80000, b"data")))
    with pytest.raises(OSError):
        rproc_boot(made.rproc(WKUP))  # no resource table
    (tmp_path / "pm.elf").write_bytes(image(table=resource_table([]), at=0x100))
    rproc_boot(made.rproc(WKUP))
    assert made.read(WKUP, "state") == "running"


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (PRU0, ('firmware-name = "pru0-fw";', ""), "unable to retrieve firmware-name -22"),
        (PRU0, ("memories@0", "memory@0"), "missing its 'memories' node"),
        (PRU0, ('"iram", "control", "debug";\n            firmware-name = "pru0-fw"',
                '"iram", "control";\n            firmware-name = "pru0-fw"'),
         "failed to parse and map memory resource 2 debug"),
        (PRU0, ("0x34000 0x2000", "0x35000 0x2000"), "failed with error -22"),
        (WKUP, ('ti,pm-firmware = "pm.elf";', ""), "No firmware filename given"),
        (WKUP, ('"umem", "dmem"', '"umem"'), "devm_ioremap_resource failed for resource 1"),
    ],
)  # fmt: skip
def test_a_node_that_the_driver_refuses(board, number, change, said):
    made = board(change)
    assert made.devices[number].driver is None
    assert said in made.log
