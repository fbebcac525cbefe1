"""What the kernel keeps in lib/: small functions that every room may use and that know no room."""
