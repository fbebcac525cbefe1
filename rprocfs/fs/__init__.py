"""kernfs, sysfs, debugfs and character devices: what the tree is made of."""
