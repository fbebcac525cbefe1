/* SPDX-License-Identifier: MIT */
/*
 * What a program finds that rprocfs runs as firmware of a processor `rprocfs,native`.
 *
 * Descriptors: 0, 1 and 2 are the console, a socket. 3 is the shared memory (mmap it
 * MAP_SHARED; its size is sealed): resource table, carveouts and vrings. 4 is the doorbell,
 * a stream socket. Nothing else is open. Their numbers and the addresses are in the
 * environment, numbers as strtoul(text, 0, 0) reads them:
 *
 *   RPROCFS_NATIVE        1, the version of all this
 *   RPROCFS_MEMORY_FD     3
 *   RPROCFS_MEMORY_DA     the device address of the memory's first byte
 *   RPROCFS_MEMORY_SIZE   bytes
 *   RPROCFS_TABLE_DA      the resource table that the framework filled in: a copy of the
 *   RPROCFS_TABLE_SIZE    section .resource_table; the one in the program is never touched
 *   RPROCFS_HEARTBEAT_DA  a 32-bit word: change it, where the board sets watchdog-ms
 *   RPROCFS_DOORBELL_FD   4
 *
 * A device address minus RPROCFS_MEMORY_DA is an offset into the memory. A position
 * independent program may map it at that very address, and then they are pointers.
 *
 * Doorbell bytes: 0x00 to 0xef, either way: look at the vring of this notifyid, or at all,
 * since a byte may stand for several. 0xf0, to you: please end, within 50 ms. 0xf1, from
 * you: ready to be killed. 0xff, from you: I crashed.
 *
 * To exit before 0xf0 is a crash, whatever the status. Around you: user, PID, network, IPC
 * and mount namespaces where the host allows it, with /usr, /lib*, /bin and /opt to read
 * and an empty /tmp; 2 GiB of address space, 64 descriptors, 64 processes (where root runs
 * them 1024 for all programs together), no core files.
 */
#ifndef RPROCFS_NATIVE_H
#define RPROCFS_NATIVE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { RPROCFS_SHUTDOWN = 0xf0, RPROCFS_READY = 0xf1, RPROCFS_CRASHED = 0xff };

static inline uint32_t rprocfs_native(const char *name)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, 0, 0) : 0;
}

/* Map the memory at its device address; 0 when it is there. */
static inline int rprocfs_native_map(void)
{
	void *at = (void *)(uintptr_t)rprocfs_native("RPROCFS_MEMORY_DA");

	if (rprocfs_native("RPROCFS_NATIVE") != 1)
		return -1;
	return mmap(at, rprocfs_native("RPROCFS_MEMORY_SIZE"), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE,
		    (int)rprocfs_native("RPROCFS_MEMORY_FD"), 0) == at ? 0 : -1;
}

#endif
