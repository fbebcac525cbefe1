"""What check says of an image is what a boot says, and there is a word for all of it."""

import errno
from pathlib import Path
from random import Random

import pytest

from rprocfs.base.kmsg import Level
from rprocfs.check.dry_boot import Stage, dry_boot
from rprocfs.check.elf_facts import elf_facts
from rprocfs.check.explanations import EXPLANATIONS
from rprocfs.check.report import findings
from rprocfs.check.rsc_fields import rsc_changes, rsc_parts
from rprocfs.kernel import LINUX_6_1, LINUX_6_12, LINUX_6_18
from rprocfs.remoteproc.elf_loader import iter_load_segments
from rprocfs.system import System, bundled_firmware
from rprocfs.testing.driver_table import R0
from rprocfs.testing.elf import Section, Segment
from rprocfs.testing.firmware import TCM_BASE, firmware, fw_trace, standard_table
from rprocfs.testing.images import IMAGES, good
from rprocfs.testing.rsc_table import resource_table, vdev, vring
from rprocfs.testing.userspace import Userspace
from tests.examples import rounds

#: Of what loaders do differently, all that there is.
LOADERS = (LINUX_6_1, LINUX_6_12, LINUX_6_18)

SIM = {"compatible": "rprocfs,sim"}
PROCESSORS = {
    "sim": SIM,
    "sim-any": SIM | {"memory": "any", "lenient": True},
    "cortex-m4": {"compatible": "rprocfs,cortex-m4", "engine": "unicorn"},
}


def check(directory, image, properties=SIM, **options):
    (directory / "image.elf").write_bytes(image)
    with System(firmware=directory, **options) as system:
        system.add_processor(properties)
        return dry_boot(system.remoteproc.rprocs[0], "image.elf")


def real_boot(directory, image, properties=SIM, **options):
    """(errno, complaints) of a boot from the files."""
    (directory / "image.elf").write_bytes(image)
    code = 0
    with System(firmware=directory, **options) as system:
        system.add_processor(properties)
        shell = Userspace(system.tree)
        shell.echo(f"{R0}/firmware", "image.elf")
        first = system.model.kmsg.next_seq
        try:
            shell.echo(f"{R0}/state", "start")
        except OSError as failure:
            code = failure.errno
        records = [r for r in system.model.kmsg.records() if r.seq >= first]
    complaints = [record.text for record in records if record.level <= Level.WARNING]
    if code:  # what the file `state` adds
        assert complaints.pop() == f"remoteproc remoteproc0: Boot failed: -{code}"
    return code, complaints


@pytest.mark.parametrize("kernel", LOADERS, ids=lambda kernel: kernel.release)
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", IMAGES)
def test_the_verdict_is_that_of_a_boot(name, processor, kernel, tmp_path):
    image, properties = IMAGES[name].make(), PROCESSORS[processor]
    boot = check(tmp_path, image, properties, version=kernel)
    wanted = real_boot(tmp_path, image, properties, version=kernel)
    assert (boot.errno, boot.complaints) == wanted
    assert (boot.stage is Stage.RUNNING) == (boot.errno == 0)
    found = findings(boot)
    assert any(finding.errno for finding in found) == (boot.errno != 0)
    for finding in found:
        assert finding.meaning, finding
        assert finding.remedy, finding


def test_it_is_that_of_a_boot_for_damaged_images_too(tmp_path):
    for _, random in rounds(1):
        for _ in range(60):
            image = damaged(random)
            boot = check(tmp_path, image)
            assert (boot.errno, boot.complaints) == real_boot(tmp_path, image)
            findings(boot)


def damaged(random: Random):
    image = bytearray(good())
    for _ in range(random.randint(1, 3)):
        image[random.randrange(len(image))] = random.choice((0, 1, 3, 0x7F, 0xFF))
    return bytes(
        image[: random.choice((len(image), len(image), random.randrange(len(image)))) or 1]
    )


def test_facts_are_those_of_the_loader():
    for name in ("good.elf", "elf64.elf", "memsz0.elf", "noload.elf"):
        image = IMAGES[name].make()
        ours = [(s.paddr, s.memsz, s.filesz, s.offset) for s in elf_facts(image).loads]
        assert ours == [tuple(segment) for segment in iter_load_segments(image)]


def test_facts_of_anything():
    for _, random in rounds(300):
        facts = elf_facts(damaged(random))
        assert facts is None or facts.machine_name
    assert elf_facts(b"") is None
    assert elf_facts(b"\x7fELF\x01\x01") is None


@pytest.mark.parametrize("properties", [PROCESSORS["cortex-m4"], SIM | {"memory": "any"}])
def test_nothing_is_executed(properties, tmp_path):
    image = (Path(bundled_firmware()) / "echo.elf").read_bytes()
    (tmp_path / "image.elf").write_bytes(image)
    with System(firmware=tmp_path) as system:
        system.add_processor(properties)
        (rproc,) = system.remoteproc.rprocs
        inner = rproc.ops
        boot = dry_boot(rproc, "image.elf")
        assert boot.errno == 0
        assert rproc.state == "offline"
        assert getattr(inner, "worker", None) is None
        assert system.model.kmsg.records()[-1].text.endswith(
            "stopped remote processor " + rproc.label
        )


def messages(boot):
    return "\n".join(f"{f.message}|{f.meaning}|{f.remedy}" for f in findings(boot))


def test_a_table_under_another_name(tmp_path):
    image = firmware(None)
    image.sections.append(Section(".rsc_table", data=standard_table()))
    boot = check(tmp_path, image.build())
    assert boot.errno == errno.EINVAL
    assert "There is no section .resource_table, but one called .rsc_table." in messages(boot)


def test_no_table_at_all(tmp_path):
    assert "KEEP(*(.resource_table))" in messages(check(tmp_path, IMAGES["rsc-none.elf"].make()))


def test_a_segment_that_runs_elsewhere(tmp_path):
    image = firmware(standard_table(), [Segment(0x8000000, b"flash", header={"p_vaddr": TCM_BASE})])
    boot = check(tmp_path, image.build())
    assert "It is to run at 0x20000000, but to be loaded here." in messages(boot)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (IMAGES["rsc-notloaded.elf"].make, "No segment loads the resource table"),
        (IMAGES["trace-outside.elf"].make, "trace buffer at 0x90000000 is in no memory"),
        (IMAGES["vdev-nons.elf"].make, "does not offer the name service"),
        (IMAGES["vring-num3.elf"].make, "has 3 buffers, no power of two"),
        (lambda: firmware(standard_table(), header={"e_entry": 0x99}).build(), "entry point 0x99"),
        (
            lambda: firmware(standard_table(), section={"sh_addr": 0x10000102}).build(),
            "not aligned",
        ),
    ],
)
def test_what_boots_and_is_not_what_was_meant(make, words, tmp_path):
    boot = check(tmp_path, make())
    assert boot.errno == 0
    assert words in messages(boot)


def test_a_good_image_has_nothing_to_say(tmp_path):
    image = (Path(bundled_firmware()) / "echo.elf").read_bytes()
    assert findings(check(tmp_path, image, PROCESSORS["cortex-m4"])) == []


def test_what_is_written_back(tmp_path):
    boot = check(tmp_path, good())
    changes = {(where, new.name): (old.text, new.text) for where, old, new in
               rsc_changes(boot.table, boot.written)}  # fmt: skip
    assert changes["vdev rpmsg", "gfeatures"] == ("0x0", "0x1")
    assert changes["vdev rpmsg", "status"] == ("0x0", "0x7")
    assert changes["vring 0", "da"][0] == "any"


def test_a_table_is_drawn_with_what_is_refused_in_it():
    table = resource_table([fw_trace(), vdev(vrings=[vring()] * 3), fw_trace()[:20]])
    parts = rsc_parts(table)
    assert [(part.kind, part.refused) for part in parts] == [
        ("trace", None),
        ("vdev", "too many vrings: 3"),
        ("trace", "trace rsc is truncated"),
    ]
    assert parts[0].fields[0].value == 0x10004000


def test_every_explanation_is_complete():
    for explanation in EXPLANATIONS:
        assert explanation.meaning.endswith("."), explanation
        assert explanation.remedy, explanation
