/*
 * round_trip MESSAGES SIZE WINDOW DEVICE ...: sends messages to a remote that echoes them.
 *
 * With a window of 1 it prints the average, the median, P99 and the longest of the round trips
 * in microseconds. With a larger one, which is how many are on their way at most on each
 * device, it prints how many megabytes came back in a second.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 8

static char out[512], in[512];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void one_by_one(int fd, long messages, size_t size)
{
	double *took = calloc(messages, sizeof(*took)), sum = 0;

	for (long i = -100; i < messages; i++) {
		double start = now();

		out[0] = (char)i;
		if (write(fd, out, size) != (ssize_t)size)
			fail("write");
		if (read(fd, in, sizeof(in)) != (ssize_t)size || in[0] != (char)i)
			fail("read");
		if (i >= 0)
			took[i] = now() - start;
	}
	for (long i = 0; i < messages; i++)
		sum += took[i];
	qsort(took, messages, sizeof(*took), compare);
	printf("%.1f %.1f %.1f %.1f\n", sum / messages, took[messages / 2],
	       took[messages * 99 / 100], took[messages - 1]);
}

static void at_once(const int *fd, int channels, long messages, size_t size, int window)
{
	long sent[MOST] = {0}, got[MOST] = {0}, all = 0, total = messages * channels;
	struct pollfd wait[MOST];
	double start = now();

	for (int i = 0; i < channels; i++)
		wait[i] = (struct pollfd){fd[i], POLLIN, 0};
	while (all < total) {
		for (int i = 0; i < channels; i++)
			for (; sent[i] < messages && sent[i] - got[i] < window; sent[i]++)
				if (write(fd[i], out, size) != (ssize_t)size)
					fail("write");
		if (channels > 1 && poll(wait, channels, -1) < 0)
			fail("poll");
		for (int i = 0; i < channels; i++) {
			if (channels > 1 && !(wait[i].revents & POLLIN))
				continue;
			if (read(fd[i], in, sizeof(in)) != (ssize_t)size)
				fail("read");
			for (got[i]++, all++; got[i] < sent[i]; got[i]++, all++)
				if (read(fd[i], in, sizeof(in)) != (ssize_t)size)
					break;
		}
	}
	printf("%.2f\n", total * (double)size / (now() - start));
}

int main(int argc, char **argv)
{
	int channels = argc - 4, fd[MOST];

	if (channels < 1 || channels > MOST)
		return 2;
	for (int i = 0; i < channels; i++)
		if ((fd[i] = open(argv[4 + i], O_RDWR)) < 0)
			fail(argv[4 + i]);
	if (atoi(argv[3]) == 1)
		one_by_one(fd[0], atol(argv[1]), atol(argv[2]));
	else
		at_once(fd, channels, atol(argv[1]), atol(argv[2]), atoi(argv[3]));
	return 0;
}
