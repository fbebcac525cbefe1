"""The script that runs on a board, over directories that look like one, or do not."""

import ast
import io
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rprocfs.board import load_board
from rprocfs.drivers.imx_rproc_machine import MACHINES
from rprocfs.kernel import KERNELS, LINUX_NEXT
from rprocfs.record import recorder
from rprocfs.record.command import SCRIPT
from rprocfs.system import DRIVERS
from tests.record.sysfs import channel, node, processor, put

#: What Python 3.6 has, of all that the script needs.
MODULES = {"argparse", "base64", "contextlib", "io", "json", "os", "re", "signal", "stat", "struct",
           "sys", "tarfile", "typing"}  # fmt: skip
LATER = re.compile(r":=|removeprefix|removesuffix|capture_output|is_relative_to|unlink\(missing_ok")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def board(root):
    node(root, ".", model="A Board", compatible="example,board", serial_number="1234")
    node(root, "aliases", rproc0="/dsp")
    node(root, "chosen", bootargs="root=/dev/sda secret", stdout_path="/serial")
    node(root, "ethernet", local_mac_address="abcdef", name="ethernet")
    node(root, "imx8mm-cm4", compatible="fsl,imx8mm-cm4", name="imx8mm-cm4")
    node(root, "a-dsp", compatible="example,dsp")
    node(root, "zz", compatible="fsl,imx93-cm33", name="zz")
    node(root, "unbound", compatible="st,stm32mp1-m4")
    processor(root, 0, "zz", of_node="zz", state="attached")
    m4 = processor(root, 1, "imx8mm-cm4", of_node="imx8mm-cm4", state="running")
    dsp = processor(root, 2, "a-dsp", of_node="a-dsp", driver="dsp", name="dsp", firmware="d.elf")
    channel(root, m4, "rpmsg-tty", 30)
    channel(root, dsp, "rpmsg-raw", 7, "rpmsg_chrdev")
    put(root, "sys/devices/soc0/machine", "A Board\n")
    put(root, "sys/devices/soc0/serial_number", "1234\n")
    return root


def record(root, *words):
    """The script in a process of its own: text and complaints."""
    command = [sys.executable, "-I", SCRIPT, "--root", root, "--release", "6.6.23-vendor", *words]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


def loaded(tmp_path, text):
    path = tmp_path / "board.toml"
    path.write_bytes(text)
    return load_board(str(path))


def test_a_board(board, tmp_path):
    status, text, complaints = record(board)
    assert status == 0
    found = tomllib.loads(text.decode())
    assert found["description"] == "A Board, recorded"
    assert found["kernel"] == "6.6.23"
    assert found["soc"] == {"machine": "A Board"}
    assert found["remoteproc"] == [
        {"label": "imx-rproc", "detached": True},
        {"label": "dsp", "compatible": "rprocfs,sim", "firmware-name": "d.elf",
         "device-name": "a-dsp", "memory": "any", "lenient": True, "services": "rpmsg-raw@7"},
    ]  # fmt: skip
    assert found["rule"] == [{"subsystem": "rpmsg", "name": "rpmsg-raw", "driver": "rpmsg_chrdev"}]
    made = loaded(tmp_path, text)
    assert [made.node(number).path for number in range(2)] == ["/zz", "/imx8mm-cm4"]
    assert "channels seen: rpmsg-tty@30" in text.decode()
    assert "/unbound: no driver is bound, it is disabled" in complaints


def test_what_is_private_stays_on_the_board(board, tmp_path):
    _, text, complaints = record(board)
    tree = loaded(tmp_path, text).devicetree.root
    assert set(tree.children["chosen"].properties) == {"stdout-path"}
    assert "local-mac-address" not in tree.children["ethernet"].properties
    assert "serial-number" not in tree.properties
    for secret in (b"secret", b"1234", b"abcdef"):
        assert secret not in text
        assert secret not in made_blob(tmp_path, text)
    for path in ("/serial-number", "/chosen/bootargs", "/ethernet/local-mac-address",
                 "sys/devices/soc0/serial_number"):  # fmt: skip
        assert f"{path}: private" in complaints


def made_blob(tmp_path, text):
    return loaded(tmp_path, text).devicetree.blob


def test_images_come_in_a_tar_file(board):
    put(board, "lib/firmware/app.elf", b"image")
    put(board, "lib/firmware/updates/app.elf", b"newer")
    status, data, complaints = record(board, "--tar")
    assert status == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["board.toml", "firmware/app.elf"]
        assert tar.extractfile("firmware/app.elf").read() == b"newer"
        assert b'firmware-directory = "firmware"' in tar.extractfile("board.toml").read()
    assert "firmware d.elf: not found" in complaints


def test_an_image_outside_of_the_directory_is_not_taken(root):
    processor(root, 0, "x", firmware="../../etc/shadow")
    node(root, ".", model="x")
    put(root, "etc/shadow", b"secret")
    status, data, complaints = record(root, "--tar")
    assert status == 0
    assert b"secret" not in data
    assert "no path below lib/firmware" in complaints


def test_names_that_a_board_should_not_have(root, tmp_path):
    evil = 'a"]\n[[rule]]\nx\x1b[2J\x00'
    processor(root, 0, "x", name=evil, firmware=evil, driver="evil", state=evil)
    status, text, _ = record(root)
    assert status == 0
    found = tomllib.loads(text.decode())
    assert list(found) == ["description", "kernel", "remoteproc"]
    assert "\x1b" not in text.decode()
    assert len(loaded(tmp_path, text).processors) == 1


def test_what_is_no_file_is_not_opened(root):
    """Reading a pipe waits for ever, opening a device may start something."""
    here = processor(root, 0, "x")
    (here / "state").unlink()
    os.mkfifo(here / "state")
    put(root, "sys/kernel/debug/remoteproc/remoteproc0/trace0").unlink()
    os.mkfifo(root / "sys/kernel/debug/remoteproc/remoteproc0/trace0")
    status, text, _ = record(root)
    assert status == 0
    assert b"traces: trace0" in text


def test_loops_of_links_and_deep_trees_end(root):
    base = node(root, ".", model="x")
    (base / "loop").symlink_to(base)
    node(root, "/".join("d" * 90), last="x")
    (root / "sys/class/remoteproc").mkdir(parents=True)
    (root / "sys/class/remoteproc/remoteproc0").symlink_to("remoteproc0")
    status, _, complaints = record(root)
    assert status == 0
    assert "too deep" in complaints


def test_a_devicetree_that_is_too_big_is_refused(root):
    base = node(root, ".", model="x")
    (base / "big").write_bytes(bytes(2 << 20))
    assert record(root)[0] == 0  # one property
    for number in range(3):
        put(root, f"sys/firmware/devicetree/base/big{number}", bytes(400 << 10))
    status, text, complaints = record(root)
    assert (status, text) == (1, b"")
    assert complaints == "record: the devicetree has more than 1048576 bytes\n"


def test_there_is_nothing_to_record(root):
    root.mkdir()
    status, text, complaints = record(root)
    assert (status, text) == (1, b"")
    assert complaints == "record: sys/class/remoteproc: no processor, and no devicetree\n"


def test_a_file_that_does_not_answer_is_left_out(tmp_path, monkeypatch):
    put(tmp_path, "slow", b"x")
    reader, writer = os.pipe()  # nothing ever comes
    monkeypatch.setattr(recorder, "PATIENCE", 0.01)
    monkeypatch.setattr(recorder, "opener", lambda path, flags: reader)
    files = recorder.Files(str(tmp_path))
    assert files.read("slow") is None
    assert files.notes == ["slow: no answer within 0 s"]
    os.close(writer)


TEXT = st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
FILE_NAME = st.from_regex(r"[^/\0]{1,12}", fullmatch=True).filter(
    lambda name: name not in (".", "..") and len(name.encode("utf-8", "replace")) < 200
    and name.isascii()
)  # fmt: skip
PLACES = st.sampled_from([
    "sys/class/remoteproc/remoteproc0/name", "sys/class/remoteproc/remoteproc0/firmware",
    "sys/class/remoteproc/remoteproc1/state", "sys/class/remoteproc/remoteproc1",
    "sys/bus/rpmsg/devices/a/name", "sys/bus/rpmsg/devices/a/dst", "proc/iomem",
    "sys/devices/soc0/machine", "sys/kernel/debug/remoteproc/remoteproc0/carveout_memories",
    "sys/firmware/devicetree/base/model", "sys/firmware/devicetree/base/m4/compatible",
    "sys/firmware/devicetree/base/m4/status", "dev/rpmsg0", "dev/remoteproc/x",
])  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(PLACES, TEXT), st.dictionaries(FILE_NAME, TEXT, max_size=4), st.booleans())
def test_whatever_is_there_gives_a_board_file_or_one_line(tmp_path_factory, files, more, link):
    top = tmp_path_factory.mktemp("fuzz")
    root = top / "root"
    try:
        root.mkdir()
        everything = files | {
            f"sys/firmware/devicetree/base/m4/{name}": text for name, text in more.items()
        }
        for path, text in everything.items():
            try:
                put(root, path, text)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue
        if link:
            (root / "dev").mkdir(exist_ok=True)
            (root / "dev/loop").symlink_to("loop")
        reader = recorder.Files(str(root))
        try:
            text = recorder.Recording(reader, "6.12").text(None)
        except recorder.RecordError as failure:
            assert "\n" not in str(failure)
            return
        document = tomllib.loads(text)
        assert all(char.isprintable() or char == "\n" for char in text)
        assert all(note.isprintable() for note in reader.notes)
        if "devicetree" in document:
            (top / "board.toml").write_text(text)
            load_board_or_named(top / "board.toml")
    finally:
        shutil.rmtree(top)


def load_board_or_named(path):
    """A tree may be refused, for what its properties say; never as a damaged one."""
    from rprocfs.errors import CommandError

    try:
        load_board(str(path))
    except CommandError as failure:
        assert "structure block" not in str(failure)
        assert "TOML" not in str(failure)


def test_it_writes_nothing(board):
    """Nothing below the root is changed, not even a time, and none of it can be written."""

    def look():
        return {
            path: (os.lstat(path).st_mtime_ns, os.lstat(path).st_mode)
            for path in sorted(board.rglob("*"))
        }

    before = look()
    assert record(board, "--tar")[0] == 0
    assert look() == before
    source = SCRIPT.read_text()
    assert "O_WRONLY)" in source and source.count("O_WRONLY") == 1  # /dev/null for stdout
    assert not re.search(r"O_RDWR|O_CREAT|os\.(remove|unlink|rename|mk|chmod|system)", source)


def test_the_tables_of_the_script_are_those_of_the_drivers():
    assert set(recorder.KNOWN) == set(DRIVERS)
    own = {"rprocfs,cortex-m3", "rprocfs,cortex-m4", "rprocfs,native", "rprocfs,rv32"}
    assert set(recorder.EXECUTED) == set(MACHINES) | own | {"st,stm32mp1-m4", "xlnx,zynqmp-r5f"}
    assert [known.line for known in KERNELS if known is not LINUX_NEXT] == list(recorder.KERNELS)


@pytest.mark.parametrize(
    ("release", "kernel"),
    [("6.12.30-v8+", "6.12.30"), ("5.15.71", "6.1"), ("6.8.0-1", "6.6"), ("9.0", "7.3")],
)
def test_the_kernel_is_the_nearest_that_there_is(root, release, kernel):
    processor(root, 0, "x")
    found = recorder.Recording(recorder.Files(str(root)), release).text(None)
    assert tomllib.loads(found)["kernel"] == kernel


def test_python_3_6_can_run_it():
    source = SCRIPT.read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {alias.name for part in ast.walk(tree) if isinstance(part, ast.Import)
                for alias in part.names}  # fmt: skip
    imported |= {part.module for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)}
    assert imported <= MODULES
    assert not LATER.search(source)


def _oldest():
    for minor in range(6, 14):
        path = shutil.which(f"python3.{minor}")
        if (
            path
            and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return path
    return sys.executable


def test_the_oldest_python_of_this_machine_says_the_same(board):
    command = [_oldest(), "-I", "-", "--root", board, "--release", "6.6.23-vendor"]
    done = subprocess.run(command, input=SCRIPT.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == record(board)[:2]


def test_owners_and_links_of_nodes(root, monkeypatch):
    """mknod(2) is root's: the look of a node is given, all else is real."""
    here = processor(root, 0, "x", name="m4")
    put(root, "dev/rpmsg0")
    (root / "dev/remoteproc").mkdir()
    (root / "dev/remoteproc0").write_bytes(b"")
    (root / "dev/remoteproc/main").symlink_to("../remoteproc0")
    (root / "dev/remoteproc/files").symlink_to("../../sys/class/remoteproc/remoteproc0")
    (root / "dev/my-channel").symlink_to("rpmsg0")
    assert here.is_dir()
    real = os.lstat

    def lstat(path):
        found = real(path)
        if str(path).endswith("dev/rpmsg0"):
            return os.stat_result((stat.S_IFCHR | 0o660, *found[1:4], 0, 20, *found[6:]))
        return found

    monkeypatch.setattr(recorder.os, "lstat", lstat)
    text = recorder.Recording(recorder.Files(str(root)), "6.12").text(None)
    found = tomllib.loads(text)
    assert found["aliases"] == {"main": "m4", "files": "m4/"}
    assert found["rule"] == [
        {"node": "rpmsg0", "owner": "0", "group": "20", "mode": "0660"},
        {"node": "rpmsg0", "symlink": "my-channel"},
    ]
