# The ioctls of flow control.
boot 0 good.elf rpmsg-raw@1024
$P "open a $DEV/rpmsg0 O_RDWR" "get_flow a" "set_flow a 1" "close a"
