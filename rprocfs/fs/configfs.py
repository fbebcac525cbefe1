"""Directories that users make -- fs/configfs/.

mkdir(2) in a group makes an item, whose attributes are files; rmdir(2) drops it again.
"""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import Dir, Node, error
from rprocfs.fs.sysfs import Attribute, SysfsFile

#: ``S_IFDIR | S_IRWXU | S_IRUGO | S_IXUGO``; the mode given to mkdir(2) is ignored.
ITEM_MODE = 0o755


class ConfigItem(Dir):
    """``struct config_item``: a directory of *attributes* that a user made."""

    __slots__ = ("_attributes",)

    def __init__(self, attributes: tuple[Attribute[ConfigItem], ...]) -> None:
        super().__init__(ITEM_MODE)
        self._attributes = attributes

    def populate(self) -> None:
        """Add the files; the item is in the tree."""
        for attr in self._attributes:
            self.add(attr.name, SysfsFile(attr, self))

    def drop(self) -> None:
        """``drop_item``: it is about to go; an OSError keeps it, EBUSY while it is in use."""


class ConfigGroup(Dir):
    """``struct config_group`` whose user may make items."""

    __slots__ = ()

    def make_item(self, name: str) -> ConfigItem:
        """``make_item``; OSError."""
        raise error(errno.EPERM)

    def mkdir(self, name: str, mode: int) -> Node:
        """configfs_mkdir(): EEXIST, ENAMETOOLONG, and what :meth:`make_item` raises."""
        del mode
        item = self.add(name, self.make_item(name))
        item.populate()
        return item

    def rmdir(self, name: str) -> None:
        """configfs_rmdir(): EPERM unless made by mkdir(2); what :meth:`ConfigItem.drop` raises."""
        item = self.lookup(name)
        if not isinstance(item, ConfigItem):
            raise error(errno.EPERM)
        item.drop()
        self.remove(name)
