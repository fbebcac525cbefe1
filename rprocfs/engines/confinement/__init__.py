"""What a worker is kept from: one set of layers for all engines.

A worker executes what somebody else wrote. It is believed nothing, and if it is taken
over, it has nothing: no path, no socket, no other process, no privilege. The layers, in
the order in which they are put on:

==================  ==========================================================
:mod:`.namespaces`  mounts, network, IPC and host name of its own, a user
                    namespace if that takes one, and a root of its own
:mod:`.limits`      address space, files, descriptors; first to go if memory is short
:mod:`.privileges`  no capability, no new privileges, no keys; nobody instead of root
:mod:`.landlock`    only the paths that it is given, no signal to another process
:mod:`.seccomp`     an allow-list of system calls (:mod:`.syscalls`)
==================  ==========================================================

The kernel may refuse each of them on its own: an old one, a container. The worker then
does without, and says so; the others hold.

The functions are for a process that has one thread and serves nothing else. Nothing here
imports more than it must: it is part of every boot.
"""
