"""What a core's loads and stores reach."""

from rprocfs.engines.unicorn.bus import apart


def test_pages_that_may_be_refused_are_ranges_of_their_own():
    ranges = ((0x1000, 0x4000), (0x8000, 0x1000), (0xA000, 0x2000))
    assert list(apart(ranges, ())) == list(ranges)
    assert list(apart(ranges, (0x4000, 0x1000, 0x8000, 0xA000))) == [
        (0x1000, 0x1000), (0x2000, 0x2000), (0x4000, 0x1000), (0x8000, 0x1000),
        (0xA000, 0x1000), (0xB000, 0x1000),
    ]  # fmt: skip
