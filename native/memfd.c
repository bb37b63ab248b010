#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memfd.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, SEAL_EXEC = 32 };

extern char **environ;

/* `executable` is one of the flags that kernels since 6.3 want to be told and older ones don't know. */
static int create(const char *name, unsigned int executable)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | executable);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

int memfd_sealed(const char *name, const void *bytes, size_t length)
{
	int fd = create(name, MFD_NOEXEC_SEAL), error = 0;
	size_t done = 0;

	if (fd < 0)
		return fd;
	while (error == 0 && done < length) {
		ssize_t written = write(fd, (const uint8_t *)bytes + done, length - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR)
			error = -errno;
	}
	if (error == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int copy(int from, int to)
{
	struct stat info;
	off_t done = 0;

	if (fstat(from, &info) < 0 || fchmod(to, 0500) < 0)
		return -errno;
	while (done < info.st_size) {
		ssize_t sent = sendfile(to, from, &done, (size_t)(info.st_size - done));

		if (sent == 0)
			return -EIO;
		if (sent < 0 && errno != EINTR)
			return -errno;
	}
	if (fcntl(to, F_ADD_SEALS, SEALS | SEAL_EXEC) < 0 && fcntl(to, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return 0;
}

int memfd_reexecute(char **argv)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), sealed, seals, error;

	if (self < 0)
		return -errno;
	/* EINVAL from any file that can't be sealed at all. */
	seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return self;
	sealed = create("caisson", MFD_EXEC);
	error = sealed < 0 ? sealed : copy(self, sealed);
	close(self);
	if (error < 0)
		return error;
	syscall(SYS_execveat, sealed, "", argv, environ, AT_EMPTY_PATH);
	return -errno;
}
