/* Memory, mapped and in files; numbers; time. */
#include <sys/sendfile.h>

#include "native.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 16U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, SEAL_EXEC = 32 };

void *map_memory(size_t size, int sharing)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

void give_back(void *memory, size_t keep, size_t size)
{
	keep = (keep + 4095) & ~(size_t)4095;
	if (size > keep)
		madvise((uint8_t *)memory + keep, size - keep, MADV_DONTNEED);
}

int64_t clock_now(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

char *put_number(char *at, uint64_t number, int width)
{
	char digits[20];
	int count = 0;
	for (; number > 0 || count < width; number /= 10)
		digits[count++] = (char)('0' + number % 10);
	while (count > 0)
		*at++ = digits[--count];
	*at = '\0';
	return at;
}

static int copy(int from, int to)
{
	struct stat info;
	if (fstat(from, &info) < 0 || fchmod(to, 0555) < 0)
		return -errno;
	for (off_t done = 0; done < info.st_size;) {
		ssize_t sent = RETRY(sendfile(to, from, &done, (size_t)(info.st_size - done)));
		if (sent <= 0)
			return sent < 0 ? -errno : -EIO;
	}
	return fcntl(to, F_ADD_SEALS, SEALS | SEAL_EXEC) < 0 && fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

int memfd_reexecute(char **argv)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self < 0)
		return -errno;
	/* EINVAL from any file that can't be sealed at all. */
	int seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return self;
	int sealed = memfd_create("caisson", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (sealed < 0 && errno == EINVAL)
		sealed = memfd_create("caisson", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error = sealed < 0 ? -errno : copy(self, sealed);
	close(self);
	if (error < 0)
		return error;
	syscall(SYS_execveat, sealed, "", argv, environ, AT_EMPTY_PATH);
	return -errno;
}
