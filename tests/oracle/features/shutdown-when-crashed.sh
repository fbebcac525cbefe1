# "stop" in the state crashed.
boot 0 good.elf
$P "put > $R0/recovery disabled"
sim_crash 0 1
wait_state 0 crashed
klog_clear
$P "put > $R0/state stop" "cat $R0/state"
klog
