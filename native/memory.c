/* Bytes from a socket, memory, numbers, time. */
#include "native.h"

bool receive(int socket, void *to, size_t size)
{
	for (uint8_t *at = to; size > 0;) {
		ssize_t got = RETRY(recv(socket, at, size, MSG_WAITALL));
		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

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
