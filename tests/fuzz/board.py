"""The boards that are fuzzed: only simulated processors, so that no step takes long."""

_SIM = '\n[[remoteproc]]\ncompatible = "rprocfs,sim"\nmemory = "any"\nservices = "rpmsg-raw@1024"\n'
_RAM = '\n[[reserved-memory]]\nlabel = "ram"\nda = 0x1000\nsize = 0x1000\n'
BOARD = {"wire": _SIM * 2, "configfs": _RAM}
