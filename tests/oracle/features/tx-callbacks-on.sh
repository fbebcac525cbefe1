# Whether the remote is asked not to interrupt for buffers that it has read.
boot 0 good.elf
tr ' ' '\n' < $SIMDBG/0/stat | grep silent
