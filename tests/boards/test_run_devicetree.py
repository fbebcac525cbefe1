import subprocess
import sys
from pathlib import Path

from rprocfs.board import load_board
from tests.mount.conftest import needs_fuse


def test_dtc_reads_the_tree_of_a_mount_as_the_blob(tmp_path, dtc):
    needs_fuse()
    path = tmp_path / "board.dtb"
    board = load_board("zynqmp")
    path.write_bytes(board.devicetree.blob)
    script = "dtc -q -s -I fs -O dts /sys/firmware/devicetree/base; cat /sys/firmware/fdt"
    command = [
        sys.executable,
        "-m",
        "rprocfs",
        "run",
        "--board",
        str(path),
        "--",
        "sh",
        "-c",
        script,
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, timeout=60, cwd=Path(__file__).parents[2],
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": ".:mount"},
    )  # fmt: skip
    wanted = dtc("dtb", "dts", path.read_bytes(), sort=True, warnings=True)
    assert done.stderr == b""
    assert done.stdout == wanted + path.read_bytes()
