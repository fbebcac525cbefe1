/* Round trips on an endpoint, one after the other, as benchmarks of vendors do them.
 *
 * Written against linux/rpmsg.h, for any Linux: rpmsg_bench NODE COUNT SIZE block|poll
 * NODE is the /dev/rpmsg_ctrlN that an endpoint to 0x401 is made with, and is unmade again.
 * Says the number of messages, of failures, and the times of a round trip.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/rpmsg.h>

#define PATIENCE_MS 10000

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* The node of the new endpoint: the one with its name, below /sys/class/rpmsg. */
static int open_endpoint(const char *name, int flags)
{
	char path[64], said[64];

	for (int tries = 0; tries < 1000; tries++, usleep(10000))
		for (int number = 0; number < 64; number++) {
			FILE *file;

			snprintf(path, sizeof(path), "/sys/class/rpmsg/rpmsg%d/name", number);
			file = fopen(path, "r");
			if (!file)
				continue;
			said[0] = 0;
			if (fscanf(file, "%63s", said) != 1)
				said[0] = 0;
			fclose(file);
			if (strcmp(said, name))
				continue;
			snprintf(path, sizeof(path), "/dev/rpmsg%d", number);
			return open(path, O_RDWR | flags);
		}
	errno = ENODEV;
	return -1;
}

static int await(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, PATIENCE_MS) == 1 && poller.revents & events;
}

static int round_trip(int fd, const uint8_t *data, size_t size, int polls)
{
	static uint8_t answer[4096];
	ssize_t got;

	if (write(fd, data, size) != (ssize_t)size)
		return 0;
	do {
		if (polls && !await(fd, POLLIN))
			return 0;
		got = read(fd, answer, sizeof(answer));
	} while (got < 0 && errno == EAGAIN);
	return got == (ssize_t)size && !memcmp(answer, data, size);
}

int main(int argc, char **argv)
{
	struct rpmsg_endpoint_info info = { .name = "bench", .src = RPMSG_ADDR_ANY, .dst = 0x401 };
	double least = 1e12, most = 0, sum = 0;
	int count, polls, failures = 0, ctrl, fd;
	static uint8_t data[4096];
	size_t size;

	if (argc != 5)
		return 2;
	count = atoi(argv[2]);
	size = atoi(argv[3]);
	polls = !strcmp(argv[4], "poll");
	ctrl = open(argv[1], O_RDWR);
	if (ctrl < 0 || ioctl(ctrl, RPMSG_CREATE_EPT_IOCTL, &info))
		fail(argv[1]);
	fd = open_endpoint(info.name, polls ? O_NONBLOCK : 0);
	if (fd < 0)
		fail("endpoint");
	for (int number = 0; number < count; number++) {
		double start = now_us(), took;

		for (size_t i = 0; i < size; i++)
			data[i] = number * 31 + i;
		failures += !round_trip(fd, data, size, polls);
		took = now_us() - start;
		least = took < least ? took : least;
		most = took > most ? took : most;
		sum += took;
	}
	if (ioctl(fd, RPMSG_DESTROY_EPT_IOCTL))
		fail("destroy");
	close(fd);
	close(ctrl);
	printf("messages %d failures %d us least %.0f mean %.0f most %.0f\n",
	       count, failures, least, sum / count, most);
	return failures != 0;
}
