"""Commands that need no room of their own.

May import ``system``, ``soc`` and ``errors``. A command fails with a CommandError: one line.
"""
