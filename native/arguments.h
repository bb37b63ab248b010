/* From the arguments of a decoded operation to what the kernel takes. */
#ifndef CAISSON_ARGUMENTS_H
#define CAISSON_ARGUMENTS_H

#include <stdbool.h>

#include "wire.h"

struct evaluation {
	const struct program *program;
	const int *slots;
	const int64_t *results;
	uint8_t *output;
	uint8_t *arena; /* program->arena bytes, 16-aligned; good until the next operation */
	uint32_t used;
	bool empty;     /* the failure was an empty slot */
};

/* An argument's value. `length` (may be NULL) receives what lies behind a pointer, without a final NUL. 0 or -errno. */
int argument_evaluate(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length);

#endif
