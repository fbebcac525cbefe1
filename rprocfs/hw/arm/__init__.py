"""Device models of Arm's system design kits."""
