/* The tree is walked with one open directory for each level, so no name is ever resolved through more than one
 * component. Only LEVELS are kept: a directory that lies deeper is moved up into the tree's top and removed from there,
 * so neither the stack nor descriptors depend on how deep somebody nested. */
#include <dirent.h>
#include <linux/openat2.h>

#include "execute.h"

enum { LEVELS = 32, BUFFER = 8 << 10 };

struct walk {
	int top;
	unsigned int depth;
	uint64_t moved;
	bool again; /* something was moved into the top since its last pass began */
	int64_t removed;
};

static int unlink_entry(struct walk *walk, int directory, const char *name, int flags)
{
	if (unlinkat(directory, name, flags) < 0)
		return errno == ENOENT ? 0 : -errno;
	walk->removed++;
	return 0;
}

static int move_to_top(struct walk *walk, int directory, const char *name)
{
	char fresh[48];
	long moved;
	do {
		put_number(put_text(fresh, ".caisson-removed-"), walk->moved++, 1);
		moved = syscall(SYS_renameat2, directory, name, walk->top, fresh, 1 /* RENAME_NOREPLACE */);
	} while (moved < 0 && errno == EEXIST);
	if (moved < 0)
		return errno == ENOENT ? 0 : -errno;
	walk->again = true;
	return 0;
}

static int remove_entry(struct walk *walk, int directory, const char *name, uint8_t type);

static int empty_directory(struct walk *walk, int directory)
{
	_Alignas(8) uint8_t entries[BUFFER];
	int error = 0;
	for (;;) {
		long length = syscall(SYS_getdents64, directory, entries, BUFFER);
		if (length <= 0)
			return length < 0 ? -errno : 0;
		const uint8_t *at = entries;
		/* In 64-bit processes struct dirent is what the kernel fills. */
		for (const struct dirent *entry; length > 0 && error == 0; length -= entry->d_reclen) {
			entry = (const struct dirent *)at;
			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				error = remove_entry(walk, directory, entry->d_name, entry->d_type);
		}
		if (error < 0)
			return error;
	}
}

static int remove_entry(struct walk *walk, int directory, const char *name, uint8_t type)
{
	int error;
	if (type != DT_DIR) {
		error = unlink_entry(walk, directory, name, 0);
		if (error != -EISDIR)
			return error;
	}
	/* Most directories are entered anyway; an empty one costs less than opening it. */
	error = unlink_entry(walk, directory, name, AT_REMOVEDIR);
	if (error != -ENOTEMPTY && error != -EEXIST)
		return error;
	if (walk->depth == LEVELS)
		return move_to_top(walk, directory, name);
	static const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	int fd;
	do
		fd = (int)RETRY(syscall(SYS_openat2, directory, name, &how, sizeof(how)));
	while (fd < 0 && errno == EAGAIN);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (walk->depth++ == 0)
		walk->top = fd;
	error = empty_directory(walk, fd);
	while (error == 0 && fd == walk->top && walk->again) {
		walk->again = false;
		error = lseek(fd, 0, SEEK_SET) < 0 ? -errno : empty_directory(walk, fd);
	}
	walk->depth--;
	close(fd);
	return error < 0 ? error : unlink_entry(walk, directory, name, AT_REMOVEDIR);
}

int remove_tree(int directory, const char *name, int64_t *removed)
{
	struct walk walk = { 0 };
	if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	int error = remove_entry(&walk, directory, name, DT_UNKNOWN);
	*removed = walk.removed;
	return error;
}
