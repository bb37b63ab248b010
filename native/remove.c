/*
 * The tree is walked with one open directory for each level, so no name is ever resolved through more than one
 * component. Only LEVELS are kept: a directory that lies deeper is moved up into the tree's top and removed from there,
 * so neither the stack, nor memory, nor descriptors depend on how deep somebody nested.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "remove.h"

enum { LEVELS = 32, BUFFER = 8 << 10 };

/* What getdents64 fills; musl's struct dirent has this very layout. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

struct level {
	int fd;
	uint32_t at, end;
	_Alignas(8) uint8_t entries[BUFFER];
};

struct walk {
	struct level *levels;
	unsigned int depth;
	uint64_t moved;
	bool again; /* something was moved into the top since its last pass began */
	int64_t removed;
};

static int open_directory(int directory, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, directory, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

static int descend(struct walk *walk, int directory, const char *name)
{
	int fd = open_directory(directory, name);

	if (fd < 0)
		return fd;
	walk->levels[walk->depth].fd = fd;
	walk->levels[walk->depth].at = walk->levels[walk->depth].end = 0;
	walk->depth++;
	return 0;
}

static int unlink_entry(struct walk *walk, int directory, const char *name, int flags)
{
	if (unlinkat(directory, name, flags) < 0)
		return errno == ENOENT ? 0 : -errno;
	walk->removed++;
	return 0;
}

static int move_to_top(struct walk *walk, int directory, const char *name)
{
	char fresh[] = ".caisson-removed-0000000000000000";
	long moved;

	do {
		uint64_t rest = walk->moved++;

		for (char *digit = fresh + sizeof(fresh) - 2; *digit != '-'; rest /= 10)
			*digit-- = (char)('0' + rest % 10);
		/* RENAME_NOREPLACE */
		moved = syscall(SYS_renameat2, directory, name, walk->levels[0].fd, fresh, 1);
	} while (moved < 0 && errno == EEXIST);
	if (moved < 0)
		return errno == ENOENT ? 0 : -errno;
	walk->again = true;
	return 0;
}

/* Removes one entry, or goes down into it: then it is still there when the walk comes back. */
static int visit(struct walk *walk, int directory, const struct entry *entry)
{
	int error;

	if (entry->type != DT_DIR) {
		error = unlink_entry(walk, directory, entry->name, 0);
		if (error != -EISDIR)
			return error;
	}
	/* Most directories are entered anyway; an empty one costs less than opening it. */
	error = unlink_entry(walk, directory, entry->name, AT_REMOVEDIR);
	if (error != -ENOTEMPTY && error != -EEXIST)
		return error;
	if (walk->depth == LEVELS)
		return move_to_top(walk, directory, entry->name);
	error = descend(walk, directory, entry->name);
	return error == -ENOENT ? 0 : error;
}

/* Leaves the deepest directory, which has no more entries, and removes it; its name is the last that its parent read. */
static int ascend(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];

	if (walk->depth == 1 && walk->again) {
		walk->again = false;
		return lseek(level->fd, 0, SEEK_SET) < 0 ? -errno : 0;
	}
	close(level->fd);
	if (--walk->depth == 0)
		return 0;
	level--;
	return unlink_entry(walk, level->fd, ((struct entry *)(level->entries + level->at))->name, AT_REMOVEDIR);
}

static int step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	struct entry *entry;

	/* `at` stays on the entry at hand until the next step, for ascend(). */
	if (level->at < level->end)
		level->at += ((struct entry *)(level->entries + level->at))->length;
	if (level->at >= level->end) {
		long length = syscall(SYS_getdents64, level->fd, level->entries, BUFFER);

		if (length < 0)
			return -errno;
		if (length == 0)
			return ascend(walk);
		level->at = 0;
		level->end = (uint32_t)length;
	}
	entry = (struct entry *)(level->entries + level->at);
	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return 0;
	return visit(walk, level->fd, entry);
}

static int remove_directory(struct walk *walk, int directory, const char *name)
{
	size_t size = LEVELS * sizeof(struct level);
	int error;

	walk->levels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (walk->levels == MAP_FAILED)
		return -errno;
	error = descend(walk, directory, name);
	while (error == 0 && walk->depth > 0)
		error = step(walk);
	while (walk->depth > 0)
		close(walk->levels[--walk->depth].fd);
	munmap(walk->levels, size);
	return error < 0 ? error : unlink_entry(walk, directory, name, AT_REMOVEDIR);
}

int remove_tree(int directory, const char *name, int64_t *removed)
{
	struct walk walk = { 0 };
	int error;

	if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	error = unlink_entry(&walk, directory, name, 0);
	if (error == -EISDIR)
		error = unlink_entry(&walk, directory, name, AT_REMOVEDIR);
	if (error == -ENOTEMPTY || error == -EEXIST)
		error = remove_directory(&walk, directory, name);
	*removed = walk.removed;
	return error;
}
