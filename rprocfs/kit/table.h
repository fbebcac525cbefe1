/* SPDX-License-Identifier: MIT */
/* The resource table of an image: a carveout for the trace, the trace, and a vdev. */
#ifndef TABLE_H
#define TABLE_H

#include "vsoc.h"

#define TRACE_TABLE \
	.log = {.type = RSC_CARVEOUT, .da = TRACE_ADDRESS, .pa = ADDR_ANY, .len = TRACE_SIZE, \
		.name = "log"}, \
	.trace = {.type = RSC_TRACE, .da = TRACE_ADDRESS, .len = TRACE_SIZE, .name = "trace0"}

#define VDEV_TABLE(ring0, ring1) \
	.vdev = {.type = RSC_VDEV, .id = VIRTIO_ID_RPMSG, .dfeatures = VIRTIO_RPMSG_F_NS, \
		 .num_of_vrings = 2, \
		 .vring = {{.da = ring0, .align = 16, .num = 32, .notifyid = ADDR_ANY}, \
			   {.da = ring1, .align = 16, .num = 32, .notifyid = ADDR_ANY}}}

struct rpmsg_table {
	uint32_t ver, num, reserved[2], offset[3];
	struct rsc_carveout log;
	struct rsc_trace trace;
	struct rsc_vdev vdev;
};

/* What the framework fills in is the table itself, but for a program of the host. */
#ifdef __linux__
#define TABLE resource_table_section
#define resource_table (*(volatile struct rpmsg_table *)RAM_BASE)
#else
#define TABLE resource_table
#endif

#define RPMSG_TABLE(ring0, ring1) \
	__attribute__((section(".resource_table"), used)) volatile struct rpmsg_table \
		TABLE = { \
			.ver = 1, .num = 3, \
			.offset = {__builtin_offsetof(struct rpmsg_table, log), \
				   __builtin_offsetof(struct rpmsg_table, trace), \
				   __builtin_offsetof(struct rpmsg_table, vdev)}, \
			TRACE_TABLE, VDEV_TABLE(ring0, ring1)}

struct trace_table {
	uint32_t ver, num, reserved[2], offset[2];
	struct rsc_carveout log;
	struct rsc_trace trace;
};

#endif
