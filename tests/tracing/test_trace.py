"""rprocfs trace: a recording of a crash, and what is made of it."""

import itertools
import json
import re
import shutil
import struct
import subprocess

import pytest

from rprocfs.base.observe import Observe
from rprocfs.base.trace import HEAD, MAGIC, OFFSET, Kind, Trace
from rprocfs.cli import main
from rprocfs.engines.ring import EVENTS, Ring, RingWriter
from rprocfs.errors import CommandError
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from rprocfs.tracing.chrome import trace_events
from rprocfs.tracing.recording import read
from rprocfs.tracing.text import lines
from tests.engines.host import ROOT

IMAGE = ROOT / "tests/debuginfo/crash.elf"
M3 = {"compatible": "rprocfs,cortex-m3", "engine": "unicorn"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A boot, a question and its answer, and a crash."""
    directory = tmp_path_factory.mktemp("trace")
    file = directory / "board.trace"
    images, observe = Images(IMAGE, ("rpmsg-crash",), ""), Observe(trace=str(file))
    with Bench(M3, images, directory, observe=observe) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start()
        handle = bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
        write(handle, b"what?")
        bench.wait(lambda: handle.poll() & 1)
        write(handle, b"undef")
        bench.wait(lambda: bench.state == "crashed")
    return file


def test_the_timeline(recorded, capsys):
    assert main(["trace", str(recorded)]) == 0
    said = [re.sub(r"^ *\d+\.\d{6}  ", "", row) for row in capsys.readouterr().out.splitlines()]
    announced = "72 70 6d 73 67 2d 63 72 61 73 68 00 00 00 00 00 ..."
    for expected in (
        ["state: offline", "state: running", "state: crashed", "state: offline"],
        [
            f"message from it 0x400 -> 0x35, 40 bytes: {announced}",
            "message to it   0x400 -> 0x400, 5 bytes: 77 68 61 74 3f",
            "message from it 0x400 -> 0x400, 7 bytes: 75 6e 6b 6e 6f 77 6e",
            "message to it   0x400 -> 0x400, 5 bytes: 75 6e 64 65 66",
            "takes HardFault",
            "state: crashed",
        ],
        [
            "doorbell to it, vring 1",
            "takes IRQ 2",
            "returns from IRQ 2",
            "doorbell from it, vring 0",
        ],
        ["channel virtio0.rpmsg-crash.-1.1024", "channel virtio0.rpmsg-crash.-1.1024 is gone"],
        ["endpoint 0x35", "endpoint 0x400", "endpoint 0x400 is gone", "endpoint 0x35 is gone"],
    ):
        rest = iter(said)
        for row in expected:
            assert f"remoteproc0  {row}" in rest, f"no {row!r} where it should be:\n" + "\n".join(
                said
            )
    log = "crash detected in cortex-m0: type fatal error"
    assert f"system       log: remoteproc remoteproc0: {log}" in said


def test_one_processor(recorded, capsys):
    assert main(["trace", "--processor", "remoteproc0", str(recorded)]) == 0
    assert "state: crashed" in capsys.readouterr().out
    assert main(["trace", "--processor", "m4", str(recorded)]) == 1
    assert capsys.readouterr().err == (
        "rprocfs: the recording has no processor m4, there are remoteproc0\n"
    )


def test_a_timeline_for_perfetto(recorded, tmp_path, capsys):
    out = tmp_path / "trace.json"
    assert main(["trace", "--json", str(out), str(recorded)]) == 0
    assert capsys.readouterr().out == ""
    events = json.loads(out.read_text())["traceEvents"]
    names = {event["args"]["name"] for event in events if event["ph"] == "M"}
    assert names >= {"remoteproc0", "system", "state", "exceptions", "messages"}
    slices = [event for event in events if event["ph"] == "X"]
    states = [event for event in slices if event["tid"] == 1]
    assert [event["name"] for event in states] == [
        "offline", "running", "crashed", "offline", "deleted",
    ]  # fmt: skip
    for before, after in itertools.pairwise(states):
        assert before["ts"] + before["dur"] == pytest.approx(after["ts"])
    (fault,) = [event for event in slices if event["name"] == "HardFault"]
    assert fault["ts"] + fault["dur"] == pytest.approx(states[2]["ts"])  # never left
    sizes = [event["args"]["size"] for event in events if event.get("name", "").startswith("to it")]
    assert sizes == [5, 5]


@pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark")
def test_wireshark_reads_the_capture(recorded, tmp_path):
    out, lua = tmp_path / "it.pcapng", tmp_path / "rpmsg.lua"
    assert main(["trace", "--pcapng", str(out), "--dissector", str(lua), str(recorded)]) == 0
    fields = ["rpmsg.src", "rpmsg.dst", "rpmsg.len", "frame.p2p_dir", "_ws.col.Info"]
    done = subprocess.run(
        ["tshark", "-X", f"lua_script:{lua}", "-r", out, "-T", "fields"]
        + [word for field in fields for word in ("-e", field)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    sent, received = "0", "1"
    assert [row.split("\t") for row in done.stdout.splitlines()] == [
        ["0x00000400", "0x00000035", "40", received, "create rpmsg-crash at 0x400"],
        ["0x00000400", "0x00000400", "5", sent, "5 bytes"],
        ["0x00000400", "0x00000400", "7", received, "7 bytes"],
        ["0x00000400", "0x00000400", "5", sent, "5 bytes"],
    ]


def test_the_blocks_of_the_capture(recorded, tmp_path):
    """What the draft says: each block has its size in front and behind, in multiples of four."""
    out = tmp_path / "it.pcapng"
    assert main(["trace", "--pcapng", str(out), str(recorded)]) == 0
    content, kinds = out.read_bytes(), []
    while content:
        kind, size = struct.unpack_from("<II", content)
        assert size % 4 == 0
        assert struct.unpack_from("<I", content, size - 4)[0] == size
        kinds.append(kind)
        content = content[size:]
    assert kinds == [0x0A0D0D0A, 1, 6, 6, 6, 6]


@pytest.mark.parametrize("content", [b"", b"text", MAGIC])
def test_a_file_that_is_none(content, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert main(["trace", str(file)]) == 1
    assert capsys.readouterr().err == f"rprocfs: {file}: not what -o trace= writes\n"


def test_no_file(tmp_path, capsys):
    assert main(["trace", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == f"rprocfs: {tmp_path}/none: No such file or directory\n"


def test_half_a_record_and_unknown_ones_are_passed_over(tmp_path):
    file = tmp_path / "file"
    good = HEAD.pack(5, Kind.LOG, 0, 2) + b"hi"
    unknown, short = HEAD.pack(6, 99, 0, 1) + b"x", HEAD.pack(7, Kind.KICK, 0, 1) + b"x"
    file.write_bytes(MAGIC + OFFSET.pack(0) + unknown + short + good + good[:-1])
    (event,) = read(file).events
    assert (event.kind, event.text) == (Kind.LOG, "hi")


def test_an_empty_recording(tmp_path):
    file = tmp_path / "file"
    Trace(str(file)).close()
    recording = read(file)
    assert list(lines(recording)) == []
    assert json.loads(trace_events(recording))["traceEvents"]
    with pytest.raises(CommandError, match="there are none"):
        recording.only("remoteproc0")


def test_a_full_disk_is_said_once(caplog):
    trace = Trace("/dev/full")
    for _ in range(3):
        trace.track("remoteproc0").number(Kind.KICK, 1)
        trace.flush()
    trace.close()
    trace.close()
    assert [record.getMessage() for record in caplog.records] == [
        "trace=/dev/full: No space left on device"
    ]


def test_the_ring_of_a_worker():
    ring = Ring("test", EVENTS)
    try:
        writer = RingWriter(ring.fd, EVENTS)
        for number in range(3):
            writer.put(number, 15, 1)
        lost, records = ring.take()
        assert (lost, [*map(EVENTS.slot.unpack, records)]) == (
            0,
            [(0, 15, 1), (1, 15, 1), (2, 15, 1)],
        )
        for number in range(EVENTS.slots + 7):
            writer.put(number, 3, 0)
        lost, records = ring.take()
        times = [time for time, _, _ in map(EVENTS.slot.unpack, records)]
        assert (lost, len(times), times[-1]) == (7, EVENTS.slots, EVENTS.slots + 6)
        assert ring.take()[0] == 0
    finally:
        ring.close()


@pytest.mark.parametrize("count", [0, 2**64 - 1])
def test_a_worker_that_lies(count):
    import mmap

    ring = Ring("test", EVENTS)
    try:
        RingWriter(ring.fd, EVENTS).put(1, 2, 3)
        ring.take()
        with mmap.mmap(ring.fd, EVENTS.size) as memory:
            memory[:8] = count.to_bytes(8, "little")
        assert len(list(ring.take()[1])) <= EVENTS.slots
    finally:
        ring.close()


def test_nothing_is_recorded_unless_asked_for(tmp_path):
    with Bench(M3, Images(IMAGE, ("rpmsg-crash",), ""), tmp_path) as bench:
        assert bench.system.model.trace is None
        assert bench.system.remoteproc.rprocs[0].track is None
