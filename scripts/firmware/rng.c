/* SPDX-License-Identifier: MIT */
/*
 * A virtio source of random numbers, for trying what reads them: xorshift32, the same
 * numbers after each start. Not for secrets.
 */
#include "table.h"
#include "virtqueue.h"

__attribute__((section(".resource_table"), used)) static volatile struct {
	uint32_t ver, num, reserved[2], offset[3];
	struct rsc_carveout log;
	struct rsc_trace trace;
	struct rsc_vdev vdev;
} table = {
	.ver = 1,
	.num = 3,
	.offset = {__builtin_offsetof(__typeof__(table), log),
		   __builtin_offsetof(__typeof__(table), trace),
		   __builtin_offsetof(__typeof__(table), vdev)},
	TRACE_TABLE,
	.vdev = {.type = RSC_VDEV, .id = 4, .num_of_vrings = 1,
		 .vring = {{.da = ADDR_ANY, .align = 16, .num = 4, .notifyid = ADDR_ANY}}},
};

static uint32_t state = 2463534242;

static uint8_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return (uint8_t)(state >> 24);
}

int main(void)
{
	static struct queue queue;
	uint32_t head, len;
	uint8_t *buffer;

	vsoc_init();
	vsoc_heartbeat(500);
	do {
		wait_for_driver(&table.vdev);
		queue_init(&queue, &table.vdev.vring[0]);
		trace("rng: up\n");
		while (!queue_was_reset(&queue)) {
			while ((buffer = queue_next(&queue, &head, &len))) {
				for (uint32_t i = 0; i < len; i++)
					buffer[i] = next();
				queue_done(&queue, head, len);
			}
			vsoc_wait();
		}
	} while (1);
}
