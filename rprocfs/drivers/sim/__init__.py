"""The platform driver ``rproc-sim``: a processor whose remote side is a model in Python."""
