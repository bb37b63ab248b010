/* Performing programs. */
#ifndef CAISSON_EXECUTE_H
#define CAISSON_EXECUTE_H

#include "wire.h"

/* Children that one program may have cloned at a time. */
enum { MAX_CHILDREN = 64 };

/*
 * What stays from one program to the next: the slots. A slot is a descriptor or -1.
 * The hooks belong to whoever runs the program; each may be NULL (PROCESS and HOLD then fail with ENOSYS).
 */
struct context {
	int slots[MAX_SLOTS];
	/* PROCESS: `pidfd` stays the slot's; a hook that wants to keep it duplicates it. Returns 0 or -errno. */
	int (*process)(struct context *, int pid, int pidfd);
	/* HOLD: returns when GO came (0), or -errno. */
	int (*hold)(struct context *);
	/* First thing in every cloned child: closes what is no business of it. */
	void (*child)(struct context *);
	void *owner; /* the hooks' own */

	/* execute.c's */
	int children[MAX_CHILDREN]; /* pidfds */
	uint32_t child_count;
};

/* How a program ended: error is 0, or the errno with which operation `index` failed. */
struct outcome {
	uint32_t index;
	int error;
};

void context_init(struct context *context);

/* Closes the slots' descriptors from `first` on. */
void context_close(struct context *context, uint32_t first);

/*
 * Performs a decoded program. `space` (8-aligned, program_space() bytes) receives the results and then the output.
 * Returns 0, or -errno after the children that the program left were killed and reaped; the same is in `outcome`.
 * In a cloned child it does not return.
 */
int program_run(const struct program *program, struct context *context, void *space, struct outcome *outcome);

/*
 * Forks, with new namespaces as `flags` say, into the cgroup that `cgroup` is open on (-1: the caller's own). Returns the
 * pid, 0 in the child, or -errno; `pidfd` is the parent's.
 */
int process_clone(uint64_t flags, int cgroup, int *pidfd);

/* Makes the dispositions of these signals (0 at the end) the default, and empties the mask. */
void signals_reset(const int *signals);

#endif
