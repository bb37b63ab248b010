/* Performing programs, and the session that they are performed for. */
#pragma once

#include "native.h"
#include "wire.h"

/* What stays from one program to the next. The hooks belong to whoever runs the program; each may be NULL. */
struct context {
	int slots[MAX_SLOTS]; /* a descriptor, or -1 */
	int (*process)(int pid, int pidfd); /* PROCESS: `pidfd` stays the slot's; who wants to keep it duplicates it */
	int (*hold)(void);                  /* HOLD: returns when GO came */
	int (*keep)(int fd, int until);     /* KEEP, for each of its slots that isn't empty: the same */
	void (*child)(void);                /* first thing in every cloned child: closes what is no business of it */
};

/* How a program ended: error is 0, or the errno with which operation `index` failed, or MALFORMED. */
struct outcome {
	uint32_t index;
	int error;
};

void context_init(struct context *context);

/* Fills a slot; what was in it is closed. */
void slot_set(struct context *context, uint32_t slot, int fd);

/* Performs a program. `space` (8-aligned, program_space() bytes) receives the results and then the output. When it fails,
 * the children that it left are killed and reaped first. In a cloned child this does not return. */
struct outcome program_run(const struct program *program, struct context *context, void *space);

/* evaluate.c: from an operation to what the kernel takes */
struct evaluation {
	const struct program *program;
	const int *slots;
	int64_t *results;
	uint8_t *output;
	uint8_t *arena; /* MAX_ARENA bytes, 16-aligned; good until the next operation */
	uint32_t index; /* of the operation */
	uint32_t used, work, depth;
	bool empty; /* the failure was an empty slot */
};

/* The values of an operation's MAX_ARGUMENTS arguments (the unused ones are 0), and what lies behind a pointer, without a
 * final NUL. -MALFORMED: it is no operation that can be performed. */
int operation_evaluate(struct evaluation *evaluation, const struct operation *operation, uint64_t *value, size_t *length);

/* A program that is being performed: what execute.c and clone.c share. */
struct run {
	struct context *context;
	struct evaluation evaluation;
	uint32_t index, next, end;
	bool body, borrows;    /* in a cloned child; which has its parent's memory */
	uint16_t channel;      /* a body's: the slot in which failures are told */
	struct outcome remote; /* what the other side of a channel said that failed there */
	uint64_t value[MAX_ARGUMENTS];
	size_t length[MAX_ARGUMENTS];
};

/* clone.c: forks, with new namespaces as `flags` say, into the cgroup that `cgroup` is open on (-1: the caller's own).
 * Returns the pid, or 0 in the child; `pidfd` is the parent's. */
int process_clone(uint64_t flags, int cgroup, int *pidfd);

/* Makes the dispositions of these signals the default, and empties the mask. */
#define SIGNAL(number) (UINT64_C(1) << ((number) - 1))
void signals_reset(uint64_t signals);

/* The operation CLONE: returns in the parent and in the child, which goes on with its body. */
int run_clone(struct run *run, const struct operation *operation, int64_t *result);

/* In a child whose memory is its parent's: performs the body. */
_Noreturn void run_borrowed_body(struct run *run);

/* Ends the process of a body that failed, and tells its parent. */
_Noreturn void run_fail_body(struct run *run, struct outcome outcome);

/* Of the children that were cloned: all, or all but companions, are none of ours any more; or all are killed and reaped. */
enum forgetting { FORGET_ALL, FORGET_OTHERS, END_ALL };
void children_forget(enum forgetting forgetting);

/* Makes the one with this pid a companion. */
void child_accompany(int pid);

/* channel.c: sends `message`; `descriptors` are message->count (FDS; -1: absent). When the other side is gone but left an
 * ERROR, that is what `remote` says: it is the reason, EPIPE is not. */
int channel_send(int channel, const struct message *message, const int *descriptors, struct outcome *remote);

/* Waits for a message: 1, or 0 at the end. FDS are only received when `descriptors` isn't NULL: exactly `expected`,
 * else EPROTO. An ERROR is returned as its errno, and in `remote`. */
int channel_receive(int channel, struct message *message, int *descriptors, uint32_t expected, struct outcome *remote);

/* netlink.c: sends `message` (whole nlmsghdr) and takes everything that the kernel answers at once, a dump to its end.
 * Returns 0 or the first error that it tells; what is neither an error nor an end is copied, if there is `room` at all
 * (EMSGSIZE: not enough), and `copied` is how much. */
int netlink_exchange(int socket, const void *message, size_t length, uint8_t *to, size_t room, int64_t *copied);

/* remove.c: removes `name` (one component) in `directory`, with all that is in it. Follows no link, enters no mount
 * (EXDEV). Missing is fine. `removed` receives the number of entries. */
int remove_tree(int directory, const char *name, int64_t *removed);

/* session.c: serves descriptor 3 until its end. Returns the exit status. */
int session_main(void);
