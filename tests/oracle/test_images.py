"""The loader's verdict over every image that was booted on a real kernel."""

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs.kernel import LINUX_6_1, LINUX_6_12
from rprocfs.testing.images import IMAGES
from tests.check.dry_boot import DryBoot

ORACLE = Path(__file__).parent
TRANSCRIPTS = {LINUX_6_12: "expected/6.12", LINUX_6_1: "expected/6.1"}
# The core's own lines, and what the kernel without Debian's patch would add or drop.
CORE = re.compile(
    r"powering up|Booting fw|remote processor \S+ is now up|Boot failed"
    r"|loading /lib|Direct firmware load|request_firmware failed"
)


def starts(kernel):
    """(image, errno) for every boot in the transcripts.

    A case that boots twice has put good.elf in between, without saying so.
    """
    for path in sorted((ORACLE / TRANSCRIPTS[kernel]).glob("1[0-6]?-*.txt")):
        image = None
        if "lenient" in path.name:
            continue
        for line in path.read_text().splitlines():
            if found := re.search(r'/firmware "(\S+\.elf)"', line):
                image = found[1]
            elif found := re.search(r'/state "start" = (?:-1 (\w+)|\d+)', line):
                yield image, getattr(errno, found[1]) if found[1] else 0
                image = "good.elf"


def logs(kernel):
    """(image, lines) for every transcript of one image: what the processor's device logged."""
    for path in sorted((ORACLE / TRANSCRIPTS[kernel]).glob("1[0-6]?-image-*.txt")):
        text = path.read_text()
        if len(images := re.findall(r'/firmware "(\S+\.elf)"', text)) != 1:
            continue
        lines = re.findall(r"^klog: remoteproc remoteproc0: (.*)$", text, re.MULTILINE)
        yield images[0], [line for line in lines if not CORE.match(line)]


@pytest.mark.parametrize("kernel", TRANSCRIPTS, ids=lambda kernel: kernel.release)
def test_errno_of_every_boot(kernel):
    wanted = list(starts(kernel))
    assert len(wanted) > 60
    got = [(name, DryBoot((ORACLE / "firmware" / name).read_bytes(), kernel).errno)
           for name, _ in wanted]  # fmt: skip
    assert got == wanted


@pytest.mark.parametrize("kernel", TRANSCRIPTS, ids=lambda kernel: kernel.release)
def test_log_of_every_image(kernel):
    wanted = dict(logs(kernel))
    assert len(wanted) > 40
    got = {n: DryBoot((ORACLE / "firmware" / n).read_bytes(), kernel).log for n in wanted}
    assert got == wanted


@pytest.mark.parametrize("kernel", TRANSCRIPTS, ids=lambda kernel: kernel.release)
def test_our_own_images_get_the_same_verdicts(kernel):
    """What testing.images says of its images is what the kernel said of the oracle's."""
    theirs = dict(logs(kernel))
    sizes = {name: len(IMAGES[name].make()) for name in theirs}
    avail = {n: (ORACLE / "firmware" / n).stat().st_size for n in theirs}
    ours = {
        n: [line.replace(f"avail {sizes[n]:#x}", f"avail {avail[n]:#x}")
            for line in IMAGES[n].log_of(kernel) if not CORE.match(line)]
        for n in theirs
    }  # fmt: skip
    assert ours == theirs
    assert {n: IMAGES[n].errno for n, _ in starts(kernel)} == dict(starts(kernel))


def test_the_images_are_what_their_generator_makes(tmp_path):
    command = [sys.executable, str(ORACLE / "mkfw.py"), str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert made.stdout == (ORACLE / "firmware" / "LIST.txt").read_text()
    kept = {path.name: path.read_bytes() for path in (ORACLE / "firmware").glob("*.elf")}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_every_case_has_a_transcript_of_every_kernel():
    cases = {path.stem for path in (ORACLE / "cases").glob("*.sh")}
    assert len(cases) > 200
    for kernel in (ORACLE / "expected").iterdir():
        assert {path.stem for path in kernel.glob("*.txt")} == cases, kernel.name


def test_every_oracle_image_has_one_of_ours():
    assert {path.name for path in (ORACLE / "firmware").glob("*.elf")} == set(IMAGES)
