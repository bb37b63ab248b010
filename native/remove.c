/* The top is read again and again until it is empty. What lies in its directories is unlinked, and those of their directories
 * that aren't empty are moved up into the top: so no name is ever resolved through more than one component, and neither the
 * stack nor descriptors depend on how deep somebody nested. Only where nothing can be moved, as in an overlay, they do. */
#include <dirent.h>
#include <linux/openat2.h>

#include "execute.h"

enum { LEVELS = 256 };

struct walk {
	int top, depth;
	uint64_t moved;
	int64_t removed;
};

static int empty_directory(struct walk *walk, int parent, const char *name);

static int move_to_top(struct walk *walk, int directory, const char *name)
{
	char fresh[48];
	long moved;
	do {
		put_number(put_text(fresh, ".caisson-removed-"), walk->moved++, 1);
		moved = syscall(SYS_renameat2, directory, name, walk->top, fresh, 1 /* RENAME_NOREPLACE */);
	} while (moved < 0 && errno == EEXIST);
	return moved < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_entry(struct walk *walk, int directory, const char *name, int flags)
{
	/* An empty directory costs less than opening it. */
	while (unlinkat(directory, name, flags) < 0) {
		int error = errno == ENOTEMPTY || errno == EEXIST ? 0 : errno != ENOENT ? -errno : 1;
		if (error == -EISDIR && flags == 0)
			flags = AT_REMOVEDIR;
		else if (error != 0)
			return error < 0 ? error : 0;
		else if (walk->top >= 0 && directory != walk->top && (error = move_to_top(walk, directory, name)) == 0)
			return 0;
		else if (walk->depth >= LEVELS)
			return error;
		else if ((error = empty_directory(walk, directory, name)) < 0)
			return error;
	}
	walk->removed++;
	return 0;
}

static int empty_directory(struct walk *walk, int parent, const char *name)
{
	static const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	_Alignas(8) uint8_t entries[4 << 10];
	int fd, error = 0;
	do
		fd = (int)RETRY(syscall(SYS_openat2, parent, name, &how, sizeof(how)));
	while (fd < 0 && errno == EAGAIN);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (walk->depth++ == 0)
		walk->top = fd;
	for (long length = 1; length > 0 && error == 0;) {
		length = syscall(SYS_getdents64, fd, entries, sizeof(entries));
		error = length < 0 ? -errno : 0;
		/* In 64-bit processes struct dirent is what the kernel fills. */
		const struct dirent *entry;
		for (long at = 0; at < length && error == 0; at += entry->d_reclen) {
			entry = (const struct dirent *)(entries + at);
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				error = remove_entry(walk, fd, entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
		}
	}
	if (--walk->depth == 0)
		walk->top = -1;
	close(fd);
	return error;
}

int remove_tree(int directory, const char *name, int64_t *removed)
{
	struct walk walk = { .top = -1 };
	if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	int error = remove_entry(&walk, directory, name, 0);
	*removed = walk.removed;
	return error;
}
