"""The Unicorn engine: executes Cortex-M code where no QEMU is installed.

Bottom up: :mod:`.libunicorn` (the library), :mod:`.cpu` (the registers), :mod:`.bus`
(peripherals), :mod:`.sites` (instructions that need more than Unicorn does), :mod:`.core`
(running until something happens), :mod:`.worker` (the process) and :mod:`.engine` (its parent).
"""
