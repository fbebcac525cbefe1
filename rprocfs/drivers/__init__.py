"""Platform drivers, one a file."""
