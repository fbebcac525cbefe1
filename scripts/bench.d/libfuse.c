/* The same small filesystem on libfuse 3's high-level interface: what there is to compare with. */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char data[4096]; size_t size; } slots[SLOTS];
static unsigned head, tail;
static int dirs;
static const char text[] = "running\n";

/* tree/dN and tree/dN/fM: 0 none, 1 directory, 2 file. */
static int in_tree(const char *path)
{
	int d, f, end = 0;

	if (strcmp(path, "/tree") == 0)
		return 1;
	if (sscanf(path, "/tree/d%d%n", &d, &end) == 1 && !path[end] && d < dirs)
		return 1;
	if (sscanf(path, "/tree/d%d/f%d%n", &d, &f, &end) == 2 && !path[end] && d < dirs && f < 5)
		return 2;
	return 0;
}

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	int kind = in_tree(path);

	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	if (kind == 1 || !strcmp(path, "/") || !strcmp(path, "/sys") || !strcmp(path, "/dev")) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2 + (strcmp(path, "/tree") ? 0 : dirs);
	} else if (kind == 2 || !strcmp(path, "/sys/attr")) {
		st->st_mode = S_IFREG | 0644;
		st->st_size = 4096;
	} else if (!strcmp(path, "/dev/echo")) {
		st->st_mode = S_IFREG | 0600;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int do_open(const char *path, struct fuse_file_info *fi)
{
	fi->fh = !strcmp(path, "/dev/echo");
	fi->direct_io = 1;
	fi->nonseekable = fi->fh;
	return 0;
}

static int do_read(const char *path, char *buf, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path;
	if (!fi->fh) {
		size_t length = sizeof(text) - 1;

		if ((size_t)offset >= length)
			return 0;
		length -= offset;
		memcpy(buf, text + offset, length < size ? length : size);
		return length < size ? length : size;
	}
	pthread_mutex_lock(&lock);
	if (head == tail) {
		pthread_mutex_unlock(&lock);
		return -EAGAIN;
	}
	if (size > slots[tail % SLOTS].size)
		size = slots[tail % SLOTS].size;
	memcpy(buf, slots[tail++ % SLOTS].data, size);
	pthread_mutex_unlock(&lock);
	return size;
}

static int do_write(const char *path, const char *buf, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)path;
	(void)offset;
	if (!fi->fh)
		return size;
	if (size > sizeof(slots[0].data))
		return -EMSGSIZE;
	pthread_mutex_lock(&lock);
	slots[head % SLOTS].size = size;
	memcpy(slots[head++ % SLOTS].data, buf, size);
	pthread_mutex_unlock(&lock);
	return size;
}

static void entry(void *buf, fuse_fill_dir_t fill, const char *name, mode_t mode)
{
	struct stat st = { .st_mode = mode };

	fill(buf, name, &st, 0, 0);
}

static int do_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	char name[16];
	int i;

	(void)offset;
	(void)fi;
	(void)flags;
	entry(buf, fill, ".", S_IFDIR);
	entry(buf, fill, "..", S_IFDIR);
	if (!strcmp(path, "/tree")) {
		for (i = 0; i < dirs; i++) {
			snprintf(name, sizeof(name), "d%d", i);
			entry(buf, fill, name, S_IFDIR);
		}
	} else if (in_tree(path) == 1) {
		for (i = 0; i < 5; i++) {
			snprintf(name, sizeof(name), "f%d", i);
			entry(buf, fill, name, S_IFREG);
		}
	}
	return 0;
}

static void *do_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
	config->use_ino = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = do_init,
	.getattr = do_getattr,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.readdir = do_readdir,
};

int main(int argc, char **argv)
{
	const char *number = getenv("BENCH_DIRS");

	dirs = number ? atoi(number) : 0;
	return fuse_main(argc, argv, &operations, NULL);
}
