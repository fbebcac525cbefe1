/* SPDX-License-Identifier: MIT */
/*
 * ping ADDRESS TEXT [SECONDS]: sends TEXT to the firmware's endpoint ADDRESS, and prints what comes
 * back within so many seconds (5).
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rpmsg.h>

#define ENDPOINTS 64

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Which /dev/rpmsgN is the endpoint of that name: the number N; -1 if there is none. */
static int find_endpoint(const char *name)
{
	char path[64], found[64];
	FILE *file;

	for (int number = 0; number < ENDPOINTS; number++) {
		snprintf(path, sizeof(path), "/sys/class/rpmsg/rpmsg%d/name", number);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (!fgets(found, sizeof(found), file))
			found[0] = 0;
		fclose(file);
		found[strcspn(found, "\n")] = 0;
		if (!strcmp(found, name))
			return number;
	}
	return -1;
}

/* Make an endpoint that talks to the address, and open its node. */
static int open_endpoint(unsigned int address)
{
	struct rpmsg_endpoint_info info = {.src = RPMSG_ADDR_ANY, .dst = address};
	int control = open("/dev/rpmsg_ctrl0", O_RDWR), endpoint;
	char path[64];

	if (control < 0)
		fail("/dev/rpmsg_ctrl0");
	snprintf(info.name, sizeof(info.name), "ping-%d", getpid());
	if (ioctl(control, RPMSG_CREATE_EPT_IOCTL, &info))
		fail("RPMSG_CREATE_EPT_IOCTL");
	close(control);
	snprintf(path, sizeof(path), "/dev/rpmsg%d", find_endpoint(info.name));
	endpoint = open(path, O_RDWR);
	if (endpoint < 0)
		fail(path);
	return endpoint;
}

int main(int argc, char **argv)
{
	struct pollfd wait = {.events = POLLIN};
	char answer[512];
	ssize_t length;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: ping ADDRESS TEXT [SECONDS]\n");
		return 2;
	}
	wait.fd = open_endpoint(strtoul(argv[1], NULL, 0));
	if (write(wait.fd, argv[2], strlen(argv[2])) < 0)
		fail("write");
	if (!poll(&wait, 1, 1000 * (argc == 4 ? atoi(argv[3]) : 5))) {
		fprintf(stderr, "ping: no answer\n");
		return 3;
	}
	length = read(wait.fd, answer, sizeof(answer));
	if (length < 0)
		fail("read");
	printf("%.*s\n", (int)length, answer);
	ioctl(wait.fd, RPMSG_DESTROY_EPT_IOCTL);
	return 0;
}
