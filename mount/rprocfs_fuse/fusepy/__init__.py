"""The transport over libfuse 2, by way of fusepy."""
