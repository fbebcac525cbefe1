"""Whole tables as plain values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.check.rsc_decode import (
    Carveout,
    Devmem,
    Refused,
    Trace,
    Unsupported,
    Vdev,
    Vring,
    decode_table,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.testing.rsc_table import (
    carveout,
    devmem,
    resource,
    resource_table,
    trace,
    vdev,
    vring,
)


def test_every_kind():
    entries = [
        carveout("mem", 1, 2, pa=3, flags=4),
        devmem("dev", 5, 6, pa=7, flags=8),
        trace("log", 9, 10),
        vdev([vring(16, 32, 11, notifyid=12, pa=13)], notifyid=1, status=7, config=b"c"),
        resource(200),
        resource(5),
    ]
    table = decode_table(resource_table(entries))
    assert (table.ver, table.num, table.reserved, table.refused) == (1, 6, (0, 0), None)
    assert table.entries == (
        Carveout("mem", 1, 3, 2, 4),
        Devmem("dev", 5, 7, 6, 8),
        Trace("log", 9, 10),
        Vdev(7, 1, 1, 0, 7, (Vring(11, 32, 16, 12, 13),), b"c"),
        Unsupported(200, "unsupported vendor resource 200"),
        Unsupported(5, "unsupported resource 5"),
    )


def test_goes_on_behind_a_refused_entry():
    entries = [vdev(num_of_vrings=9), trace("log", 1, 2)]
    table = decode_table(resource_table(entries, ver=3, offsets=[24, 24 + len(entries[0])]))
    assert table.refused == "unsupported fw ver: 3"
    assert table.entries == (Refused(3, "vdev rsc is truncated"), Trace("log", 1, 2))


def test_ends_where_the_table_does():
    table = decode_table(resource_table([trace("log", 1, 2)], num=50))
    assert table.refused == "resource table incomplete"
    assert table.entries[0] == Trace("log", 1, 2)
    assert table.entries[-1] == Refused(None, "rsc table is truncated")


def test_nothing_to_decode():
    with pytest.raises(FirmwareError, match="header-less"):
        decode_table(bytes(15))


@given(st.binary(min_size=16, max_size=300))
def test_any_bytes(data):
    table = decode_table(b"\1\0\0\0" + data[4:5] + bytes(3) + data[8:])
    assert table.ver == 1
