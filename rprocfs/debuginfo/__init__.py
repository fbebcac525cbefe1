"""What an image says about itself for debuggers: symbols, lines, and how its stack unwinds.

ELF and DWARF are read by pyelftools. Nothing here does I/O: an image is bytes, memory is a
function. An image is not trusted: what is wrong in it is a :class:`.image.DebugInfoError`, but
it can make reading it take long, so a daemon reads it in a process (:mod:`.child`).
"""
