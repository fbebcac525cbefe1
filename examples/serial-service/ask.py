"""A service: sends each line that comes on a serial port to the firmware, and prints the answer.

ask.py /dev/ttyRPMSG0 < LINES
"""

import sys
import tty
from pathlib import Path


def serve(path: str) -> None:
    """Until the input ends; a line and its answer have the same length."""
    with Path(path).open("r+b", buffering=0) as port:
        tty.setraw(port)
        for line in sys.stdin.buffer:
            port.write(line)
            answer = b""
            while len(answer) < len(line):
                answer += port.read(len(line) - len(answer))
            sys.stdout.buffer.write(answer)
            sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
