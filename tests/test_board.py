import pytest

from rprocfs.board import DEFAULT_BOARD, kernel_version, load_board, open_board
from rprocfs.errors import CommandError
from rprocfs.remoteproc.core import rproc_get_by_phandle
from rprocfs.remoteproc.rproc import rproc_put
from rprocfs.system import UnknownDriverError, find_driver
from rprocfs.testing.userspace import Userspace


def _write(tmp_path, text):
    path = tmp_path / "board.toml"
    path.write_text(text)
    return str(path)


GOOD = """
firmware-directory = "images"

[[remoteproc]]
label = "dsp"
compatible = "rprocfs,sim"
phandle = 9

[[remoteproc]]
compatible = "rprocfs,sim"
firmware-name = "other.elf"
"""


def test_a_board_file(tmp_path):
    path = _write(tmp_path, GOOD)
    with open_board(path) as system:
        shell = Userspace(system.tree)
        assert shell.cat("/sys/class/remoteproc/remoteproc0/name") == "dsp\n"
        assert shell.cat("/sys/class/remoteproc/remoteproc1/name") == "sim1\n"
        assert shell.cat("/sys/class/remoteproc/remoteproc1/firmware") == "other.elf\n"
        assert shell.readlink("/lib/firmware") == str(tmp_path / "images")
        rproc = rproc_get_by_phandle(system.remoteproc, 9)
        assert rproc.label == "dsp"
        rproc_put(rproc)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[remoteproc]", "board.toml: "),
        ("[[remoteproc]]\nlabel = 'x'", "remoteproc[0]: compatible is missing"),
        ("[[remoteproc]]\ncompatible = 'x,y'", "remoteproc[0].compatible: no driver for x,y"),
        (
            "[[remoteproc]]\ncompatible = 'rprocfs,sim'\nfirmwarename = 'x'",
            "remoteproc[0].firmwarename: unknown key, did you mean firmware-name?",
        ),
        (
            "[[remoteproc]]\ncompatible = 'rprocfs,sim'\nphandle = true",
            "remoteproc[0].phandle: must be a number",
        ),
        ("remoteproc = 3", "remoteproc: must be tables"),
        ("remoteproc = [3]", "remoteproc: must be tables, write [[remoteproc]]"),
        ("x = 3", "x: unknown key"),
        ('description = "\\u001b[2J"', "description: must be printable"),
        ("modules = 3", "modules: must be a list of strings"),
        ("modules = [3]", "modules: must be a list of strings"),
        ("modules = ['']", "modules[0]: no module ''"),
        (
            "modules = ['rng_core', 'virtio_rgn']",
            "modules[1]: no module 'virtio_rgn', did you mean virtio_rng?",
        ),
    ],
)
def test_a_bad_board_is_told_what_is_wrong(tmp_path, text, complaint):
    with pytest.raises(CommandError) as caught:
        load_board(_write(tmp_path, text))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        load_board(str(tmp_path / "none.toml"))


def test_the_default_board_has_a_core_that_executes_and_one_that_takes_anything():
    assert load_board(None) is DEFAULT_BOARD
    assert [entry["compatible"] for entry in DEFAULT_BOARD.processors] == [
        "rprocfs,cortex-m4",
        "rprocfs,sim",
    ]


def test_kernels():
    assert kernel_version("6.1").release == "6.1"
    with pytest.raises(CommandError, match=r"6\.12"):
        kernel_version("5.0")


def test_unknown_drivers():
    with pytest.raises(UnknownDriverError):
        find_driver("acme,none")


def test_a_board_loads_modules(tmp_path):
    path = _write(tmp_path, "modules = ['virtio_rng', 'rpmsg_client_sample  count=0x7']")
    with open_board(path, strict=True) as system:
        shell = Userspace(system.tree)
        assert shell.ls("/sys/module") == [
            "firmware_class", "rng_core", "rpmsg_client_sample", "virtio_rng",
        ]  # fmt: skip
        assert shell.cat("/sys/module/rpmsg_client_sample/parameters/count") == "7\n"


def test_a_module_with_a_bad_parameter(tmp_path):
    path = _write(tmp_path, "modules = ['rpmsg_client_sample count=many']")
    with (
        pytest.raises(CommandError, match="modules: rpmsg_client_sample count=many: Invalid"),
        open_board(path),
    ):
        pass
