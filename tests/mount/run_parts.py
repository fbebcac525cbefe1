"""Interprets a seccomp filter, as the kernel does."""

import struct


def verdict(program, arch, number, args=()):
    """What the filter returns for one system call."""
    data = struct.pack("=iIQ6Q", number, arch, 0, *args, *([0] * (6 - len(args))))
    steps = list(struct.iter_unpack("=HBBI", program))
    accumulator = position = 0
    while True:
        code, yes, no, value = steps[position]
        position += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x15:
                position += yes if accumulator == value else no
            case 0x54:
                accumulator &= value
            case 0x06:
                return value
            case _:
                raise AssertionError(code)
