# poll(2) for writing on an endpoint, and on one whose ring is full.
boot 0 good256.elf rpmsg-raw@1024
sim_hold 0 1
$P "open a $DEV/rpmsg0 O_RDWR|O_NONBLOCK" "poll a POLLOUT 0" "close a"
