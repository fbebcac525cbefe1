import errno
import struct
import time

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.board.ready import description, ready_boards
from rprocfs.cli import main
from rprocfs.remoteproc.core import rproc_get_by_phandle
from rprocfs.remoteproc.rproc import rproc_da_to_va, rproc_put
from rprocfs.testing.elf import ElfImage, Section, Segment
from rprocfs.testing.rsc_table import resource_table, vdev
from rprocfs.testing.userspace import Userspace

BOARDS_DIRECTORY = next(iter(ready_boards().values())).parent

#: board -> for each processor: path of its device, name, firmware; an address that it has, and
#: the first one behind that memory; whether it recovers from crashes.
BOARDS = {
    "am62x": [
        ("bus@f0000/bus@f0000:bus@4000000/5000000.m4fss", "5000000.m4fss",
         "am62-mcu-m4f0_0-fw", 0x0, 0x40000, "disabled"),
    ],
    "am64x": [
        ("bus@f4000/bus@f4000:bus@4000000/5000000.m4fss", "5000000.m4fss",
         "am64-mcu-m4f0_0-fw", 0xA4100000, 0xA5000000, "disabled"),
        ("bus@f4000/bus@f4000:r5fss@78000000/78000000.r5f", "78000000.r5f",
         "am64-main-r5f0_0-fw", 0x41010000, 0x41018000, "disabled"),
        ("bus@f4000/bus@f4000:r5fss@78000000/78200000.r5f", "78200000.r5f",
         "am64-main-r5f0_1-fw", 0x0, 0x8000, "disabled"),
        ("bus@f4000/bus@f4000:r5fss@78400000/78400000.r5f", "78400000.r5f",
         "am64-main-r5f1_0-fw", 0x78400000, 0x78408000, "disabled"),
        ("bus@f4000/bus@f4000:r5fss@78400000/78600000.r5f", "78600000.r5f",
         "am64-main-r5f1_1-fw", 0xA3100000, 0xA4000000, "disabled"),
    ],
    "beaglebone-pru": [
        ("ocp/ocp:l4_wkup@44c00000/44d00000.wkup_m3", "wkup_m3",
         "am335x-pm-firmware.elf", 0x80000, 0x82000, "enabled"),
        ("ocp/4a326004.pruss-soc-bus/4a300000.pruss/4a334000.pru", "4a334000.pru",
         "am335x-pru0-fw", 0x10000, 0x13000, "disabled"),
        ("ocp/4a326004.pruss-soc-bus/4a300000.pruss/4a338000.pru", "4a338000.pru",
         "am335x-pru1-fw", 0x2000, 0x4000, "disabled"),
    ],
    "imx7d": [
        ("imx7d-cm4", "imx-rproc", "rproc-imx-rproc-fw", 0x1FFF8000, 0x20008000, "enabled"),
    ],
    "imx8mm-evk": [
        ("imx8mm-cm4", "imx-rproc", "rproc-imx-rproc-fw", 0x0, 0x20000, "enabled"),
    ],
    "imx8mn-evk": [
        ("imx8mn-cm7", "imx-rproc", "rproc-imx-rproc-fw", 0x0, 0x20000, "enabled"),
    ],
    "imx8mp-evk": [
        ("imx8mp-cm7", "imx-rproc", "rproc-imx-rproc-fw", 0x0, 0x20000, "enabled"),
    ],
    "imx8mp": [
        ("imx8mp-cm7", "imx-rproc", "rproc-imx-rproc-fw", 0x0, 0x20000, "enabled"),
    ],
    "imx8mq-evk": [
        ("imx8mq-cm4", "imx-rproc", "rproc-imx-rproc-fw", 0x0, 0x20000, "enabled"),
    ],
    "imx93": [
        ("remoteproc-cm33", "imx-rproc", "rproc-imx-rproc-fw", 0x1FFC0000, 0x20040000, "enabled"),
    ],
    "kv260-lockstep": [
        ("remoteproc-lockstep@ffe00000/ffe00000.r5f", "ffe00000.r5f",
         "rproc-ffe00000.r5f-fw", 0x0, 0x10000, "disabled"),
    ],
    "kv260": [
        ("remoteproc-split@ffe00000/ffe00000.r5f", "ffe00000.r5f",
         "rproc-ffe00000.r5f-fw", 0x0, 0x10000, "disabled"),
        ("remoteproc-split@ffe00000/ffe90000.r5f", "ffe90000.r5f",
         "rproc-ffe90000.r5f-fw", 0x0, 0x10000, "disabled"),
    ],
    "stm32mp157": [
        ("ahb/10000000.m4", "m4", "rproc-m4-fw", 0x0, 0x10000, "enabled"),
    ],
    "zcu102-lockstep": [
        ("remoteproc-lockstep@ffe00000/ffe00000.r5f", "ffe00000.r5f",
         "rproc-ffe00000.r5f-fw", 0x0, 0x10000, "disabled"),
    ],
    "zcu102": [
        ("remoteproc-split@ffe00000/ffe00000.r5f", "ffe00000.r5f",
         "rproc-ffe00000.r5f-fw", 0x0, 0x10000, "disabled"),
        ("remoteproc-split@ffe00000/ffe90000.r5f", "ffe90000.r5f",
         "rproc-ffe90000.r5f-fw", 0x0, 0x10000, "disabled"),
    ],
    "zynqmp": [
        ("remoteproc-split@ffe00000/ffe00000.r5f", "ffe00000.r5f",
         "rproc-ffe00000.r5f-fw", 0x3ED00000, 0x3ED40000, "disabled"),
        ("remoteproc-split@ffe00000/ffe90000.r5f", "ffe90000.r5f",
         "rproc-ffe90000.r5f-fw", 0x20000, 0x30000, "disabled"),
    ],
}  # fmt: skip
#: board -> which processor has to be up before another one.
BEFORE = {"am64x": {2: 1, 4: 3}}
#: What a processor that executes it can do: loop for ever, from a vector table.
LOOPS = {
    "am62x": struct.pack("<2I2H", 0x40000, 9, 0xE7FE, 0xBF00),
    "stm32mp157": struct.pack("<2I2H", 0x10040000, 9, 0xE7FE, 0xBF00),
    **dict.fromkeys(
        ("kv260", "kv260-lockstep", "zcu102", "zcu102-lockstep"), struct.pack("<I", 0xEAFFFFFE)
    ),
    **dict.fromkeys(
        ("imx8mm-evk", "imx8mn-evk", "imx8mp-evk", "imx8mq-evk"),
        struct.pack("<2I2H", 0x20020000, 9, 0xE7FE, 0xBF00),
    ),
}
CASES = [
    pytest.param(board, number, *case, id=f"{board}-{number}")
    for board, cases in BOARDS.items()
    for number, case in enumerate(cases)
]


def _image(address, text=b"code"):
    """Code at *address*, and a table for one rpmsg device that says to put rings anywhere."""
    table = resource_table([vdev()])
    # Not executable: that would be the instruction RAM of a PRU.
    segment = Segment(address, text + table, header={"p_flags": 6})
    return ElfImage([segment], [Section(".resource_table", address + len(text), size=len(table))])


def _wait(shell, path):
    deadline = time.monotonic() + 10
    while not shell.exists(path):
        assert time.monotonic() < deadline, path
        time.sleep(0.005)


def test_these_boards_are_there():
    assert list(ready_boards()) == list(BOARDS)
    for name, path in ready_boards().items():
        assert description(path)
        assert len(load_board(name).processors) == len(BOARDS[name])


@pytest.mark.parametrize(
    ("board", "number", "path", "name", "file", "da", "end", "recovery"), CASES
)
def test_a_ready_board(board, number, path, name, file, da, end, recovery, tmp_path):
    with open_board(board, firmware=str(tmp_path)) as system:
        shell = Userspace(system.tree)
        here = f"/sys/class/remoteproc/remoteproc{number}"
        assert shell.readlink(here) == (
            f"../../devices/platform/{path}/remoteproc/remoteproc{number}"
        )
        assert shell.cat(f"{here}/name") == f"{name}\n"
        assert shell.cat(f"{here}/firmware") == f"{file}\n"
        assert shell.cat(f"{here}/recovery") == f"{recovery}\n"
        if name == "wkup_m3":  # its own driver boots it, not userspace
            assert shell.lookup(f"{here}/state").mode == 0o444
            return
        if number in BEFORE.get(board, {}):
            before = BEFORE[board][number]
            first = BOARDS[board][before]
            (tmp_path / first[2]).write_bytes(_image(first[3]).build())
            shell.echo(f"/sys/class/remoteproc/remoteproc{before}/state", "start")
        text = LOOPS.get(board, b"code")
        (tmp_path / file).write_bytes(_image(da, text).build())
        shell.echo(f"{here}/state", "start")
        assert shell.cat(f"{here}/state") == "running\n"
        assert rproc_da_to_va(system.remoteproc.rprocs[number], da, 4) == text[:4]
        services = str(load_board(board).processors[number].get("services", ""))
        last = f"virtio{int(number in BEFORE.get(board, {}))}"
        for service in services.split():
            channel, _, address = service.partition("@")
            _wait(shell, f"/sys/bus/rpmsg/devices/{last}.{channel}.-1.{address}")
        shell.echo(f"{here}/state", "stop")
        (tmp_path / file).write_bytes(_image(end - 4).build())
        with pytest.raises(OSError) as caught:
            shell.echo(f"{here}/state", "start")
        assert caught.value.errno == errno.EINVAL
        log = "".join(record.text for record in system.model.kmsg.records())
        assert f"bad phdr da {end - 4:#x}" in log


@pytest.mark.parametrize("board", BOARDS)
def test_its_devicetree_is_the_same_board(board, dtc, tmp_path, capfdbinary):
    path = tmp_path / f"{board}.dtb"
    assert main(["board", "dtb", board, "-o", str(path)]) == 0
    assert main(["board", "dtb", board]) == 0
    blob = path.read_bytes()
    assert capfdbinary.readouterr().out == blob
    again = dtc("dts", "dtb", dtc("dtb", "dts", blob, warnings=True), warnings=True)
    assert again == dtc("dtb", "dtb", blob, warnings=True)
    ready, made = load_board(board), load_board(str(path))
    assert list(made.processors) == list(ready.processors)
    assert (made.firmware_directory, made.modules) == (ready.firmware_directory, ready.modules)
    with open_board(str(path)) as system:
        shell = Userspace(system.tree)
        for number, case in enumerate(BOARDS[board]):
            assert shell.exists(f"/sys/devices/platform/{case[0]}/of_node/compatible")
            assert system.remoteproc.rprocs[number].label == case[1]
            phandle = made.processors[number].get("phandle")
            if phandle is not None:
                rproc = rproc_get_by_phandle(system.remoteproc, phandle)
                assert rproc.label == case[1]
                rproc_put(rproc)


def test_the_list(capsys):
    assert main(["board", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(BOARDS)
    assert any(line.split()[:3] == ["stm32mp157", "STM32MP157:", "Cortex-M4,"] for line in lines)


@pytest.mark.parametrize(
    "source", sorted(BOARDS_DIRECTORY.glob("*.dts")), ids=lambda path: path.stem
)
def test_a_devicetree_is_what_its_source_says(source, dtc):
    """scripts/boards makes it."""
    assert dtc("dts", "dtb", source.read_bytes()) == source.with_suffix(".dtb").read_bytes()
