"""Processors that are stopped after the test."""

import pytest

from tests.engines.host import IMAGES, Host


@pytest.fixture
def host():
    """`host("echo.elf")`: a running processor."""
    made = []

    def make(image, **options):
        made.append(Host(IMAGES / image, **options))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()
