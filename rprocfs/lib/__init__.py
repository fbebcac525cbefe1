"""What the kernel keeps in lib/: small functions that every room may use.

Imports nothing of ours. Nothing here knows a device, a file or a board.
"""
