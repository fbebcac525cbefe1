"""``rprocfs check``: why an image boots on a board, or does not.

Boots the image without a processor behind it (:mod:`.dry_boot`), reads what the kernel
does not say from the image (:mod:`.elf_facts`, :mod:`.rsc_fields`) and explains both.
"""
