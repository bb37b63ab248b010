/* A program that is being performed: what execute.c and clone.c share. */
#ifndef CAISSON_RUN_H
#define CAISSON_RUN_H

#include <stdbool.h>

#include "arguments.h"
#include "channel.h"
#include "execute.h"

struct run {
	struct context *context;
	struct evaluation evaluation;
	int64_t *results;
	uint32_t index, next, end;
	bool body;        /* in a cloned child */
	uint16_t channel; /* a body's: the slot in which failures are told */
	struct remote_error remote;
	uint64_t value[MAX_ARGUMENTS];
	size_t length[MAX_ARGUMENTS];
};

/* Fills a slot; what was in it is closed. */
void slot_set(struct context *context, uint32_t slot, int fd);

/* The operation CLONE: returns in the parent and in the child, which goes on with its body. 0 or -errno. */
int run_clone(struct run *run, const struct operation *operation, int64_t *result);

/* Ends the process of a body that failed, and tells its parent. */
_Noreturn void run_fail_body(struct run *run, const struct outcome *outcome);

/* Of the children that the program cloned; `end` kills and reaps them. */
void children_forget(struct context *context, bool end);

#endif
