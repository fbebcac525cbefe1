# A firmware whose buffers are of 4096 bytes: how long a message may be.
boot 0 buffers-4096.elf rpmsg-raw@1024
$P "open a $DEV/rpmsg0 O_RDWR" "write a @496:x" "read a 5000" "write a @4080:x" "write a @4081:x" "close a"
