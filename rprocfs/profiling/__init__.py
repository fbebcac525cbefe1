"""Where firmware spends its time: samples of its registers and stack, kept in files."""
