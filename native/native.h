/* What all roles share. What can fail returns -errno, unless it says something else. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No signal has a handler here, but a file system in user space may still answer EINTR. */
#define RETRY(call) __extension__({ long r_; do r_ = (call); while (r_ < 0 && errno == EINTR); r_; })

/* memory.c */

/* Reads `size` bytes from a blocking stream socket. False: it ended before. */
bool receive(int socket, void *to, size_t size);

/* Zeroed memory that costs a page for its first byte, not a huge one, MAP_PRIVATE or MAP_SHARED. NULL: none. */
void *map_memory(size_t size, int sharing);

/* Returns the pages of mapped memory behind the first `keep` bytes to the kernel. */
void give_back(void *memory, size_t keep, size_t size);

/* In nanoseconds. */
int64_t clock_now(clockid_t clock);

/* Copies `text` with its NUL and returns where that is. Inline, so that constant texts become plain stores. */
static inline char *put_text(char *at, const char *text)
{
	size_t length = strlen(text);
	memcpy(at, text, length + 1);
	return at + length;
}

/* The same with a number, in `width` decimal digits or more. */
char *put_number(char *at, uint64_t number, int width);

/* init.c: the role `docker-init`. Returns the exit status. */
int init_main(int argc, char **argv);
