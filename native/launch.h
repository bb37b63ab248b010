/* Starting a shim from a session. */
#ifndef CAISSON_LAUNCH_H
#define CAISSON_LAUNCH_H

#include <stddef.h>

#include "wire.h"

/* What a configuration (PROTOCOL.md, section 3) begins with, as far as a session looks at it. */
struct shim_header {
	uint32_t magic, flags, attaches;
	uint16_t rows, columns;
	uint64_t log_size;
	uint32_t log_files, reserved;
	uint32_t id_length;
	char id[];
};

enum { SHIM_MAGIC = 0x314d4853, SHIM_CONFIGURATION = 3, SHIM_REPLY = 4 };

struct shim_process {
	int pidfd; /* it is nobody's child */
	int reply; /* what it writes to its descriptor 4 comes here */
};

/*
 * Starts a shim with this configuration, of which only the id is looked at, from the sealed memfd `self`.
 * Returns 0 or -errno (EINVAL: no configuration).
 */
int launch_shim(int self, const void *configuration, size_t length, struct shim_process *shim);

#endif
