"""What the firmware itself finds out about its core."""

import pytest

from tests.engines.host import SELFTESTS, Host


@pytest.mark.parametrize(
    ("image", "core"),
    [("m3", "cortex-m3"), ("m3", "cortex-m4"), ("m4", "cortex-m4")],
)
def test_selftest(image, core):
    with Host(SELFTESTS / f"selftest-{image}.elf", core=core) as host:
        host.wait(lambda: b"ok done\n" in host.worker.console or host.deaths)
        lines = host.worker.console.decode().splitlines()
        assert host.deaths == []
    failed = {line for line in lines if not line.startswith("ok ")}
    # The m3 image expects to find no FPU.
    assert failed == ({"FAIL no fpu"} if core[-2:] != image else set())
    assert len(lines) > 45
