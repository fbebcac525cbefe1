"""Systems that are closed after the test."""

import pytest

from tests.rpmsg.link import RpmsgSystem


@pytest.fixture
def system():
    """`system(("rpmsg-raw", 1024), num=16)`: a started one with these services."""
    made = []

    def make(*services, **options):
        made.append(RpmsgSystem(*services, **options))
        return made[-1].start()

    yield make
    for one in made:
        one.close()
