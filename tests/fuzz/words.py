"""What the fuzzers write, and the names that they use."""

_PLACES = (
    "sys dev lib class bus kernel devices debug config remoteproc remoteproc0 remoteproc1 platform"
    " drivers rproc-sim virtio0 rpmsg rpmsg0 rpmsg_ctrl0 devcoredump devcd1 data state firmware"
    " recovery coredump crash name resource_table trace0 carveout_memories bind unbind uevent"
    " driver_override live compatible dev_name memory services label endpoint kmsg ttyRPMSG0 tty"
    " hwrng misc module virtio rpmsg_bus rproc_sim 0 1 ctl rproc-sim.0 rproc-sim.1"
)
NAMES = [name.encode() for name in _PLACES.split()] + [
    b"", b".", b"..", b"a", b"b", b"\xff\xfe", b"a/b", b"a" * 255, b"a" * 256, b"\n",
]  # fmt: skip
TEXTS = [
    b"start", b"stop\n", b"detach", b"1", b"0", b"1\n", b"echo.elf", b"missing.elf", b"crash.elf",
    b"enabled", b"disabled", b"recover", b"inline", b"rprocfs,sim", b"acme,nothing",
    b"rproc-sim.0", b"rproc-sim.1", b"remoteproc0", b"virtio0", b"any", b"tcm", b"rpmsg-raw@1024",
    b"crash 1", b"hold 1", b"hold 0", b"ns create x 0x500", b"ns destroy x 0x500", b"fail_start 5",
    b"fail_start 0", b"send 0x400 0x35 x", b"add", b"", b"\n", b"\0", b"\xff", b"9" * 40,
    b"-1", b"0x", b"true", b"4294967296", b"x" * 1023, b"x" * 1024, b"x" * 4096,
]  # fmt: skip
