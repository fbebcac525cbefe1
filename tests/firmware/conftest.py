"""Processors that are stopped after the test, on every engine that is installed."""

import pytest

from tests.engines.host import IMAGES, Host
from tests.engines.installed import ENGINES, MAKE


@pytest.fixture(params=ENGINES)
def engine(request):
    """The name of the engine."""
    return request.param


@pytest.fixture
def host(engine):
    """`host("echo.elf")`: a running processor."""
    made = []

    def make(image, **options):
        made.append(Host(IMAGES / image, engine=MAKE[engine](), **options))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()
