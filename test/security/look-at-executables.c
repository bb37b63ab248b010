/* look-at-executables PATH…: what can be done to each executable, a line each.
 * look-at-executables watch: the same for /proc/PID/exe of whatever of the engine's it sees come and go, each line once.
 *
 * A line: PATH's target, its seals in hexadecimal (or `unsealed`), the errno of opening it for writing and for both, and of
 * each attempt to change it by way of a descriptor that was opened for reading: opened anew, extended, cut off. `own` stands
 * before it if the process is in a pid namespace below ours, `-` else. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KINDS = 256 };

/* 0 if it can be opened and written to. */
static int write_error(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), error = 0;
	if (fd < 0)
		return errno;
	/* It has executed something else meanwhile: nothing of the machine's own is to be written to. */
	if (fcntl(fd, F_GET_SEALS) < 0) {
		close(fd);
		return ESRCH;
	}
	/* Where writing is allowed a byte more does no harm to whoever runs it. */
	lseek(fd, 0, SEEK_END);
	if (write(fd, "x", 1) != 1)
		error = errno;
	close(fd);
	return error;
}

static int truncate_error(const char *path)
{
	return truncate(path, 0) < 0 ? errno : 0;
}

static int describe(const char *path, const char *kind, char *line, size_t size)
{
	char target[256], again[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	/* Of what is open: the process may execute something else at any moment. */
	ssize_t length = readlink(again, target, sizeof(target) - 1);
	if (length < 0) {
		close(fd);
		return 0;
	}
	target[length] = '\0';
	int seals = fcntl(fd, F_GET_SEALS);
	char sealed[16];
	snprintf(sealed, sizeof(sealed), seals < 0 ? "unsealed" : "%x", (unsigned int)seals);
	/* Nothing of the machine's own is to be tried: an unsealed executable is only shown. */
	if (seals < 0)
		snprintf(line, size, "%s %s %s", kind, target, sealed);
	else
		snprintf(line, size, "%s %s %s %d %d %d %d %d", kind, target, sealed, write_error(path, O_WRONLY),
			 write_error(path, O_RDWR), write_error(again, O_WRONLY), write_error(again, O_RDWR | O_APPEND),
			 truncate_error(again));
	close(fd);
	return 1;
}

/* Whether a process is in a pid namespace of its own: its status has a number for each. */
static const char *namespace_of(const char *pid)
{
	char path[300], status[2048];
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC), numbers = 0;
	ssize_t length = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return "-";
	status[length] = '\0';
	const char *at = strstr(status, "NSpid:");
	if (at == NULL)
		return "-";
	for (; *at != '\n' && *at != '\0'; at++)
		numbers += isdigit((unsigned char)at[0]) && !isdigit((unsigned char)at[1]);
	return numbers > 1 ? "own" : "-";
}

static int watch(void)
{
	static char seen[KINDS][512];
	int count = 0;
	for (;;) {
		DIR *proc = opendir("/proc");
		if (proc == NULL)
			return 1;
		for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
			char path[300], line[512], target[32];
			if (!isdigit((unsigned char)entry->d_name[0]))
				continue;
			snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
			ssize_t length = readlink(path, target, sizeof(target) - 1);
			if (length < 14 || strncmp(target, "/memfd:caisson", 14) != 0)
				continue;
			if (!describe(path, namespace_of(entry->d_name), line, sizeof(line)) ||
			    strstr(line, " /memfd:caisson") == NULL)
				continue;
			int known = 0;
			for (int i = 0; i < count; i++)
				known |= strcmp(seen[i], line) == 0;
			if (known || count == KINDS)
				continue;
			strcpy(seen[count++], line);
			puts(line);
			fflush(stdout);
		}
		closedir(proc);
	}
}

int main(int argc, char **argv)
{
	char line[512];
	if (argc == 2 && strcmp(argv[1], "watch") == 0)
		return watch();
	for (int i = 1; i < argc; i++)
		puts(describe(argv[i], "-", line, sizeof(line)) ? line : "gone");
	return 0;
}
