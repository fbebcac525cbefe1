/* Exchange messages of every size with a firmware that echoes, checked byte by byte.
 *
 * Written against linux/rpmsg.h, for any Linux: rpmsg_stress COUNT DESTINATION poll|epoll
 * Up to WINDOW messages are on their way; the descriptor does not block. No virtio
 * endpoint ever reports POLLOUT, so a full ring is waited for by reading.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/rpmsg.h>

#define MTU 496
#define WINDOW 16
#define PATIENCE_MS 10000

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static size_t size_of(uint32_t number)
{
	return 1 + number % MTU;
}

static void fill(uint8_t *data, uint32_t number)
{
	uint32_t state = number * 2654435761u + 1;

	for (size_t i = 0; i < size_of(number); i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = state >> 24;
	}
}

/* The node of the endpoint called NAME, found as udev does. */
static int open_endpoint(const char *name)
{
	char path[300], line[64];
	struct dirent *entry;
	DIR *directory = opendir("/sys/class/rpmsg");
	int fd = -1;

	if (!directory)
		fail("/sys/class/rpmsg");
	while (fd < 0 && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/sys/class/rpmsg/%s/name", entry->d_name);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = 0;
			if (!strcmp(line, name)) {
				snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
				fd = open(path, O_RDWR | O_NONBLOCK);
				if (fd < 0)
					fail(path);
			}
		}
		fclose(file);
	}
	closedir(directory);
	return fd;
}

static int wait_poll(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};

	if (poll(&wanted, 1, PATIENCE_MS) < 0)
		fail("poll");
	return wanted.revents;
}

static int wait_epoll(int fd)
{
	static int set = -1;
	struct epoll_event event = {.events = EPOLLIN};

	if (set < 0) {
		set = epoll_create1(0);
		if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
			fail("epoll");
	}
	int count = epoll_wait(set, &event, 1, PATIENCE_MS);
	if (count < 0)
		fail("epoll_wait");
	return count ? (int)event.events : 0;
}

int main(int argc, char **argv)
{
	struct rpmsg_endpoint_info info = {.name = "stress", .src = RPMSG_ADDR_ANY};
	uint8_t expected[MTU], data[MTU + 16];
	uint32_t sent = 0, received = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: rpmsg_stress COUNT DESTINATION poll|epoll\n");
		return 2;
	}
	uint32_t count = strtoul(argv[1], NULL, 0);
	int (*wait)(int) = strcmp(argv[3], "poll") ? wait_epoll : wait_poll;
	info.dst = strtoul(argv[2], NULL, 0);
	int ctrl = open("/dev/rpmsg_ctrl0", O_RDWR);
	if (ctrl < 0 || ioctl(ctrl, RPMSG_CREATE_EPT_IOCTL, &info))
		fail("/dev/rpmsg_ctrl0");
	close(ctrl);
	int fd = open_endpoint("stress");
	if (fd < 0) {
		fprintf(stderr, "no endpoint\n");
		return 1;
	}
	while (received < count) {
		while (sent < count && sent - received < WINDOW) {
			fill(expected, sent);
			ssize_t length = write(fd, expected, size_of(sent));
			if (length < 0 && errno == EAGAIN)
				break;
			if (length != (ssize_t)size_of(sent))
				fail("write");
			sent++;
		}
		int ready = wait(fd);
		if (!ready) {
			fprintf(stderr, "silence: sent %u, received %u\n", sent, received);
			return 1;
		}
		if (ready & (POLLERR | POLLHUP)) {
			fprintf(stderr, "gone: %#x\n", ready);
			return 1;
		}
		while (ready & POLLIN) {
			ssize_t length = read(fd, data, sizeof(data));
			if (length < 0 && errno == EAGAIN)
				break;
			fill(expected, received);
			if (length != (ssize_t)size_of(received) || memcmp(data, expected, length)) {
				fprintf(stderr, "message %u is wrong (%zd bytes)\n", received, length);
				return 1;
			}
			received++;
		}
	}
	if (read(fd, data, sizeof(data)) != -1 || errno != EAGAIN) {
		fprintf(stderr, "more than was sent\n");
		return 1;
	}
	if (ioctl(fd, RPMSG_DESTROY_EPT_IOCTL))
		fail("RPMSG_DESTROY_EPT_IOCTL");
	close(fd);
	printf("%u messages\n", received);
	return 0;
}
