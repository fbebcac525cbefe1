/* client OPERATION PATH SECONDS: does it again and again, prints how often a second. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static char buf[4096];
static int fd = -1;

static int once(const char *operation, const char *path)
{
	struct stat st;
	int ok;

	if (!strcmp(operation, "stat"))
		return stat(path, &st) == 0;
	if (!strcmp(operation, "pair"))
		return write(fd, "0123456789abcdef", 16) == 16 && read(fd, buf, sizeof(buf)) == 16;
	fd = open(path, O_RDONLY);
	ok = read(fd, buf, sizeof(buf)) > 0;
	close(fd);
	return ok;
}

int main(int argc, char **argv)
{
	double start, seconds;
	long count = 0;
	int i;

	if (argc != 4)
		return 2;
	seconds = atof(argv[3]);
	if (!strcmp(argv[1], "pair") && (fd = open(argv[2], O_RDWR)) < 0)
		return 1;
	start = now();
	do {
		for (i = 0; i < 50; i++, count++)
			if (!once(argv[1], argv[2]))
				return 1;
	} while (now() - start < seconds);
	printf("%f\n", count / (now() - start));
	return 0;
}
