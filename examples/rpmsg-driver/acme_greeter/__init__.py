"""An rpmsg driver for rprocfs."""
