"""pyserial on a terminal whose other end answers each message: serial_echo.py /dev/ttyRPMSG0"""

import errno
import sys
import termios
import time

import serial


def main():
    port = serial.Serial(sys.argv[1], 115200, timeout=5, exclusive=True)
    for size in (1, 7, 64, 300, 496):
        data = bytes(range(1, 251)) * 2
        port.write(data[:size])
        assert port.read(size) == data[:size], size
    port.write(b"one\ntwo\nthree")
    assert port.readline() == b"one\n"
    assert port.read_until(b"\n") == b"two\n"
    assert port.read(5) == b"three"

    port.timeout = 0.1
    before = time.monotonic()
    assert port.read(1) == b""
    assert time.monotonic() - before > 0.09
    port.timeout = 5

    port.write(b"drop")
    while port.in_waiting < 4:
        time.sleep(0.001)
    port.reset_input_buffer()
    assert port.in_waiting == 0

    port.baudrate = 9600
    try:
        port.bytesize = 7
    except termios.error as refusal:  # the driver has no set_termios: CSIZE stays, glibc notices
        assert refusal.args[0] == errno.EINVAL
    port.bytesize = 8
    port.flush()
    port.reset_output_buffer()
    try:
        serial.Serial(sys.argv[1], exclusive=True)
    except serial.SerialException:
        pass
    else:
        sys.exit("a second exclusive user")
    port.close()
    with serial.Serial(sys.argv[1], timeout=5) as port:
        port.write(b"again")
        assert port.read(5) == b"again"
    print("serial: ok")


main()
