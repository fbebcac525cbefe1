"""Public fakes and builders: the far side of a ring, images, the driver test table."""
