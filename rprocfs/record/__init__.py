"""``rprocfs record``: a board file of a real board.

:mod:`.recorder` is a script of its own, which runs on the board with nothing but Python 3.6;
:mod:`.command` runs it here or over ssh.
"""
