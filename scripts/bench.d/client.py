"""client OPERATION PATH SECONDS, where there is no C compiler."""

import os
import sys
import time
from pathlib import Path


def once(operation, path, fd):
    """Do it once."""
    if operation == "stat":
        Path(path).stat()
    elif operation == "pair":
        os.write(fd, b"0123456789abcdef")
        os.read(fd, 4096)
    else:
        fd = os.open(path, os.O_RDONLY)
        os.read(fd, 4096)
        os.close(fd)


def main(operation, path, seconds):
    """Do it for so long and print the rate."""
    fd = os.open(path, os.O_RDWR) if operation == "pair" else -1
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < float(seconds):
        for _ in range(50):
            once(operation, path, fd)
        count += 50
    print(count / (time.perf_counter() - start))


main(*sys.argv[1:])
