"""How many examples a randomised test takes; RPROCFS_EXAMPLES=100 makes it a hundred times more."""

import os
from random import Random

from hypothesis import HealthCheck, settings

SCALE = int(os.environ.get("RPROCFS_EXAMPLES", "1"))

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def examples(count):
    """Settings for hypothesis: the same examples every time, `count` of them and more on demand."""
    return settings(
        max_examples=count * SCALE,
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        suppress_health_check=SLOW,
    )


def rounds(count, seed=0):
    """(round, random) for tests that need more examples than hypothesis can make in the time."""
    random = Random(seed)
    for number in range(count * SCALE):
        yield number, random
