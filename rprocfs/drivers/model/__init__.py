"""Processors without a machine behind them: the driver is the kernel's, the remote a model."""
