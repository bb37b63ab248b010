/*
 * Performs the operations of a decoded program in order. Handlers return 0 or -errno; the operation's result goes to
 * *result. A failure that came from a child keeps the child's index, see `remote`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "channel.h"
#include "remove.h"
#include "run.h"

void context_init(struct context *context)
{
	memset(context, 0, sizeof(*context));
	memset(context->slots, 0xff, sizeof(context->slots));
}

void slot_set(struct context *context, uint32_t slot, int fd)
{
	int old = context->slots[slot];

	if (old >= 0 && old != fd)
		close(old);
	context->slots[slot] = fd;
}

void context_close(struct context *context, uint32_t first)
{
	for (uint32_t i = first; i < MAX_SLOTS; i++)
		slot_set(context, i, -1);
}

static int do_syscall(struct run *run, const struct operation *operation, int64_t *result)
{
	const uint64_t *value = run->value;

	do
		*result = syscall((long)operation->number, value[0], value[1], value[2], value[3], value[4], value[5]);
	while (*result < 0 && errno == EINTR);
	if (*result < 0)
		return -errno;
	if (operation->result != NO_SLOT)
		slot_set(run->context, operation->result, (int)*result);
	return 0;
}

static int do_await(struct run *run, int64_t *result)
{
	struct message message;

	for (;;) {
		int got = channel_receive((int)run->value[0], &message, NULL, 0, &run->remote);

		if (got < 0)
			return got;
		if (got == 0) {
			*result = 0;
			return run->value[1] == AWAIT_END ? 0 : -ECHILD;
		}
		if (run->value[1] == AWAIT_END)
			continue;
		*result = message.value;
		return message.type == MESSAGE_SYNC ? 0 : -EPROTO;
	}
}

/* The slots that PASS and TAKE speak of: the second argument, as a list. */
static uint32_t list_length(const struct operation *operation)
{
	return operation->argument[1].length / sizeof(uint16_t);
}

static uint16_t list_slot(const struct run *run, const struct operation *operation, uint32_t i)
{
	uint16_t slot;

	memcpy(&slot, run->evaluation.program->data + operation->argument[1].value + i * sizeof(slot), sizeof(slot));
	return slot;
}

static int do_pass(struct run *run, const struct operation *operation, int64_t *result)
{
	struct message message = { .type = MESSAGE_FDS, .count = list_length(operation) };
	int descriptors[MAX_PASSED];

	*result = 0;
	for (uint32_t i = 0; i < message.count; i++) {
		descriptors[i] = run->context->slots[list_slot(run, operation, i)];
		*result += descriptors[i] >= 0;
	}
	return channel_send((int)run->value[0], &message, descriptors, &run->remote);
}

static int do_take(struct run *run, const struct operation *operation, int64_t *result)
{
	struct message message;
	int descriptors[MAX_PASSED];
	uint32_t count = list_length(operation);
	int got = channel_receive((int)run->value[0], &message, descriptors, count, &run->remote);

	if (got <= 0)
		return got < 0 ? got : -ECHILD;
	*result = 0;
	for (uint32_t i = 0; i < count; i++) {
		slot_set(run->context, list_slot(run, operation, i), descriptors[i]);
		*result += descriptors[i] >= 0;
	}
	return 0;
}

static int open_checked(struct run *run, int flags, unsigned int mode, uint64_t magic)
{
	struct statfs info;
	int fd, error;

	do
		fd = openat((int)run->value[0], (const char *)(uintptr_t)run->value[1], flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	if (magic == 0)
		return fd;
	error = fstatfs(fd, &info) < 0 ? -errno : (uint64_t)info.f_type == magic ? 0 : -EXDEV;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int do_write(struct run *run, int64_t *result)
{
	int fd = open_checked(run, (int)run->value[3], (unsigned int)run->value[4], run->value[5]), error = 0;

	if (fd < 0)
		return fd;
	do
		*result = write(fd, (const void *)(uintptr_t)run->value[2], run->length[2]);
	while (*result < 0 && errno == EINTR);
	if (*result < 0)
		error = -errno;
	else if ((size_t)*result < run->length[2])
		error = -EIO;
	if (close(fd) < 0 && errno != EINTR && error == 0)
		error = -errno;
	return error;
}

static int do_read(struct run *run, int64_t *result)
{
	uint8_t *to = (uint8_t *)(uintptr_t)run->value[2];
	int fd = open_checked(run, O_RDONLY, 0, run->value[3]), error = 0;
	size_t done = 0;

	if (fd < 0)
		return fd;
	while (done < run->length[2]) {
		ssize_t got = read(fd, to + done, run->length[2] - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			error = got < 0 ? -errno : 0;
			break;
		}
		done += (size_t)got;
	}
	close(fd);
	*result = (int64_t)done;
	return error;
}

static int do_compare(const struct run *run)
{
	uint64_t number = 0;

	memcpy(&number, (const void *)(uintptr_t)run->value[0], run->length[0]);
	return (number & run->value[1]) == run->value[2] ? 0 : -(int)run->value[3];
}

static void do_skip(struct run *run, const struct operation *operation)
{
	int64_t subject = run->results[operation->argument[0].value];
	int64_t value = (int64_t)operation->argument[2].value;
	const bool holds[] = {
		[SKIP_NEGATIVE] = subject < 0,
		[SKIP_NOT_NEGATIVE] = subject >= 0,
		[SKIP_EQUAL] = subject == value,
		[SKIP_NOT_EQUAL] = subject != value,
	};

	if (holds[operation->argument[1].value])
		run->next += operation->number;
}

static int perform(struct run *run, const struct operation *operation, int64_t *result)
{
	struct context *context = run->context;

	*result = 0;
	/* Before evaluation: to SKIP, a RESULT that isn't there is a number like any other. */
	if (operation->kind == KIND_SKIP) {
		do_skip(run, operation);
		return 0;
	}
	run->evaluation.used = 0;
	run->evaluation.empty = false;
	for (unsigned int i = 0; i < MAX_ARGUMENTS; i++) {
		int error;

		run->value[i] = 0;
		if (i >= operation->arguments)
			continue;
		error = argument_evaluate(&run->evaluation, &operation->argument[i], &run->value[i], &run->length[i]);
		if (error < 0)
			return error;
	}

	switch ((enum operation_kind)operation->kind) {
	case KIND_SYSCALL:
		return do_syscall(run, operation, result);
	case KIND_CLONE:
		return run_clone(run, operation, result);
	case KIND_AWAIT:
		return do_await(run, result);
	case KIND_SYNC:
		return channel_send((int)run->value[0],
				    &(struct message){ .type = MESSAGE_SYNC, .value = (int64_t)run->value[1] }, NULL,
				    &run->remote);
	case KIND_PASS:
		return do_pass(run, operation, result);
	case KIND_TAKE:
		return do_take(run, operation, result);
	case KIND_CLOSE:
		slot_set(context, operation->argument[0].index, -1);
		return 0;
	case KIND_WRITE:
		return do_write(run, result);
	case KIND_READ:
		return do_read(run, result);
	case KIND_COMPARE:
		return do_compare(run);
	case KIND_FAIL:
		return -(int)run->value[0];
	case KIND_EXIT:
		_exit((int)run->value[0]);
	case KIND_REMOVE:
		return remove_tree((int)run->value[0], (const char *)(uintptr_t)run->value[1], result);
	case KIND_PROCESS:
		return context->process == NULL ? -ENOSYS : context->process(context, (int)run->value[0], (int)run->value[1]);
	case KIND_HOLD:
		return context->hold == NULL ? -ENOSYS : context->hold(context);
	case KIND_SKIP:
	case KINDS:
		break;
	}
	return -EINVAL;
}

static bool tolerated(const struct operation *operation, int error)
{
	if (operation->flags & FLAG_TOLERATE_ANY)
		return true;
	for (unsigned int i = 0; i < 4; i++)
		if (operation->tolerate[i] == error)
			return true;
	return false;
}

/* A slot that should have received something and didn't is empty, not what it was before. */
static void empty_slots(struct run *run, const struct operation *operation)
{
	if (operation->result != NO_SLOT)
		slot_set(run->context, operation->result, -1);
	if (operation->kind == KIND_CLONE) {
		if (operation->argument[1].value != NO_SLOT)
			slot_set(run->context, (uint32_t)operation->argument[1].value, -1);
		slot_set(run->context, (uint32_t)operation->argument[2].value, -1);
	} else if (operation->kind == KIND_TAKE) {
		for (uint32_t i = 0; i < list_length(operation); i++)
			slot_set(run->context, list_slot(run, operation, i), -1);
	}
}

static void run_operations(struct run *run, struct outcome *outcome)
{
	const struct operation *operations = run->evaluation.program->operations;

	for (run->index = 0;; run->index = run->next) {
		const struct operation *operation = &operations[run->index];
		int64_t result;
		int error;

		if (run->index == run->end) {
			if (run->body)
				_exit(0);
			return;
		}
		run->next = run->index + 1 + (operation->kind == KIND_CLONE ? operation->number : 0);
		run->remote.error = 0;
		error = perform(run, operation, &result);
		if (error < 0) {
			if (run->evaluation.empty && operation->flags & FLAG_OPTIONAL)
				continue;
			outcome->index = run->remote.error != 0 ? run->remote.index : run->index;
			outcome->error = -error;
			if (!tolerated(operation, -error)) {
				if (run->body)
					run_fail_body(run, outcome);
				return;
			}
			*outcome = (struct outcome){ 0 };
			empty_slots(run, operation);
			result = error;
		}
		run->results[run->index] = result;
	}
}

int program_run(const struct program *program, struct context *context, void *space, struct outcome *outcome)
{
	static _Alignas(16) uint8_t small[8 << 10];
	struct run run = { .context = context, .results = space, .end = program->count };
	uint8_t *arena = small;

	*outcome = (struct outcome){ 0 };
	if (program->arena > sizeof(small)) {
		arena = mmap(NULL, program->arena, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (arena == MAP_FAILED) {
			outcome->error = errno;
			return -errno;
		}
	}
	run.evaluation = (struct evaluation){
		.program = program,
		.slots = context->slots,
		.results = space,
		.output = (uint8_t *)space + (size_t)program->count * sizeof(int64_t),
		.arena = arena,
	};
	for (uint32_t i = 0; i < program->count; i++)
		run.results[i] = NO_RESULT;
	memset(run.evaluation.output, 0, program->output_length);

	run_operations(&run, outcome);
	children_forget(context, outcome->error != 0);
	if (arena != small)
		munmap(arena, program->arena);
	return -outcome->error;
}
