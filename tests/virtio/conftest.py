"""Systems that are closed after the test."""

import pytest

from tests.virtio.bench import VirtioSystem


@pytest.fixture
def device():
    """`device(3, "virtio_console", config=bytes(8))`: a started one."""
    made = []

    def make(kind, *modules, **options):
        made.append(VirtioSystem(kind, *modules, **options))
        return made[-1].start()

    yield make
    for one in made:
        one.close()
