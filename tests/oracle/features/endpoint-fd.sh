# An ioctl that makes an endpoint and opens it.
boot 0 good.elf
$P "open c $DEV/rpmsg_ctrl0 O_RDWR" "ioctl c 0xc030b507 buf" "ioctl c 0xc030b507 null" "close c" "ls $RC"
