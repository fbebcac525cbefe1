# A coredump without ELF class: what the log says.
sim_reset noelfinfo=1
boot 0 good.elf
$P "put > $R0/coredump enabled"
klog_clear
sim_crash 0 1
wait_state 0 running
klog | grep -i "elf class"
