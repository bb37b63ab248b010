/* Performs the operations of a decoded program in order. Handlers return 0 or -errno; the operation's result goes to
 * *result. A failure that came from a child keeps the child's index, see `remote`. */
#include <sys/vfs.h>

#include "execute.h"

enum { OPENAT2_TRIES = 1000 };

void context_init(struct context *context)
{
	memset(context, 0, offsetof(struct context, children));
	memset(context->slots, 0xff, sizeof(context->slots));
}

void slot_set(struct context *context, uint32_t slot, int fd)
{
	int old = context->slots[slot];
	if (old >= 0 && old != fd)
		close(old);
	context->slots[slot] = fd;
}

static const void *pointer(const struct run *run, unsigned int argument)
{
	return (const void *)(uintptr_t)run->value[argument];
}

static int do_syscall(struct run *run, const struct operation *operation, int64_t *result)
{
	const uint64_t *value = run->value;
	unsigned int again = 0;
	/* openat2() in a root gives up at a `..` when anything on the host was renamed or mounted meanwhile. */
	do
		*result = syscall((long)operation->number, value[0], value[1], value[2], value[3], value[4], value[5]);
	while (*result < 0 && (errno == EINTR || (errno == EAGAIN && operation->number == SYS_openat2 && again++ < OPENAT2_TRIES)));
	if (*result < 0)
		return -errno;
	if (operation->result != NO_SLOT)
		slot_set(run->context, operation->result, (int)*result);
	return 0;
}

static int do_await(struct run *run, int64_t *result)
{
	bool end = run->value[1] == AWAIT_END;
	struct message message;
	int got;
	do
		got = channel_receive((int)run->value[0], &message, NULL, 0, &run->remote);
	while (got > 0 && end);
	if (got <= 0)
		return got < 0 ? got : end ? 0 : -ECHILD;
	*result = message.value;
	return message.type == MESSAGE_SYNC ? 0 : -EPROTO;
}

static int do_sync(struct run *run)
{
	struct message message = { .type = MESSAGE_SYNC, .value = (int64_t)run->value[1] };
	return channel_send((int)run->value[0], &message, NULL, &run->remote);
}

/* The slots that PASS, TAKE and KEEP speak of: the argument of data, as a list. */
static const struct argument *list(const struct operation *operation)
{
	return &operation->argument[operation->kind == KIND_KEEP ? 0 : 1];
}

static uint32_t list_length(const struct operation *operation)
{
	return list(operation)->length / sizeof(uint16_t);
}

static uint16_t list_slot(const struct run *run, const struct operation *operation, uint32_t i)
{
	uint16_t slot;
	memcpy(&slot, run->evaluation.program->data + list(operation)->value + i * sizeof(slot), sizeof(slot));
	return slot;
}

static int do_pass(struct run *run, const struct operation *operation, int64_t *result)
{
	struct message message = { .type = MESSAGE_FDS, .count = list_length(operation) };
	int descriptors[MAX_PASSED];
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
	for (uint32_t i = 0; i < count; i++) {
		slot_set(run->context, list_slot(run, operation, i), descriptors[i]);
		*result += descriptors[i] >= 0;
	}
	return 0;
}

static int do_keep(struct run *run, const struct operation *operation)
{
	int error = run->context->keep != NULL ? 0 : -ENOSYS;
	for (uint32_t i = 0; i < list_length(operation) && error == 0; i++)
		error = run->context->keep(list_slot(run, operation, i), (int)run->value[1]);
	return error;
}

static int open_checked(struct run *run, int flags, unsigned int mode, uint64_t magic)
{
	struct statfs info;
	int fd = (int)RETRY(openat((int)run->value[0], pointer(run, 1), flags | O_CLOEXEC, mode));
	if (fd < 0)
		return -errno;
	int error = magic == 0 ? 0 : fstatfs(fd, &info) < 0 ? -errno : (uint64_t)info.f_type == magic ? 0 : -EXDEV;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int do_write(struct run *run, int64_t *result)
{
	int fd = open_checked(run, (int)run->value[3], (unsigned int)run->value[4], run->value[5]);
	if (fd < 0)
		return fd;
	*result = RETRY(write(fd, pointer(run, 2), run->length[2]));
	int error = *result < 0 ? -errno : (size_t)*result < run->length[2] ? -EIO : 0;
	if (close(fd) < 0 && errno != EINTR && error == 0)
		error = -errno;
	return error;
}

static int do_read(struct run *run, int64_t *result)
{
	uint8_t *to = (uint8_t *)(uintptr_t)run->value[2];
	int fd = open_checked(run, O_RDONLY, 0, run->value[3]), error = 0;
	if (fd < 0)
		return fd;
	size_t done = 0;
	for (ssize_t got = 1; got > 0 && done < run->length[2]; done += got > 0 ? (size_t)got : 0) {
		got = RETRY(read(fd, to + done, run->length[2] - done));
		error = got < 0 ? -errno : 0;
	}
	*result = (int64_t)done;
	close(fd);
	return error;
}

static int do_companion(struct run *run)
{
	struct context *context = run->context;
	int pid = (int)run->value[0];
	int error = context->companion ? context->companion(pid, (int)run->value[1]) : -ENOSYS;
	if (error == 0)
		child_forget(context, pid);
	return error;
}

static int do_netlink(struct run *run, int64_t *result)
{
	struct netlink_answer answer = { .to = (uint8_t *)(uintptr_t)run->value[2], .room = run->length[2] };
	int error = netlink_exchange((int)run->value[0], pointer(run, 1), run->length[1], &answer);
	*result = (int64_t)answer.length;
	return error;
}

static int do_compare(const struct run *run)
{
	uint64_t number = 0;
	memcpy(&number, pointer(run, 0), run->length[0]);
	return (number & run->value[1]) == run->value[2] ? 0 : -(int)run->value[3];
}

static int do_skip(struct run *run, const struct operation *operation)
{
	int64_t subject = run->evaluation.results[operation->argument[0].value];
	int64_t value = (int64_t)operation->argument[2].value;
	const bool holds[] = {
		[SKIP_NEGATIVE] = subject < 0,
		[SKIP_NOT_NEGATIVE] = subject >= 0,
		[SKIP_EQUAL] = subject == value,
		[SKIP_NOT_EQUAL] = subject != value,
	};
	if (holds[operation->argument[1].value])
		run->next += operation->number;
	return 0;
}

static int perform(struct run *run, const struct operation *operation, int64_t *result)
{
	struct context *context = run->context;
	/* Before evaluation: to SKIP, a RESULT that isn't there is a number like any other. */
	if (operation->kind == KIND_SKIP)
		return do_skip(run, operation);
	run->evaluation.used = 0;
	run->evaluation.empty = false;
	for (unsigned int i = 0; i < operation->arguments; i++) {
		const struct argument *argument = &operation->argument[i];
		int error = argument_evaluate(&run->evaluation, argument, &run->value[i], &run->length[i]);
		if (error < 0)
			return error;
	}
	for (unsigned int i = operation->arguments; i < MAX_ARGUMENTS; i++)
		run->value[i] = 0;

	switch ((enum operation_kind)operation->kind) {
	case KIND_SYSCALL: return do_syscall(run, operation, result);
	case KIND_CLONE: return run_clone(run, operation, result);
	case KIND_AWAIT: return do_await(run, result);
	case KIND_SYNC: return do_sync(run);
	case KIND_PASS: return do_pass(run, operation, result);
	case KIND_TAKE: return do_take(run, operation, result);
	case KIND_WRITE: return do_write(run, result);
	case KIND_READ: return do_read(run, result);
	case KIND_COMPARE: return do_compare(run);
	case KIND_FAIL: return -(int)run->value[0];
	case KIND_EXIT: _exit((int)run->value[0]);
	case KIND_REMOVE: return remove_tree((int)run->value[0], pointer(run, 1), result);
	case KIND_PROCESS: return context->process ? context->process((int)run->value[0], (int)run->value[1]) : -ENOSYS;
	case KIND_HOLD: return context->hold ? context->hold() : -ENOSYS;
	case KIND_KEEP: return do_keep(run, operation);
	case KIND_NETLINK: return do_netlink(run, result);
	case KIND_COMPANION: return do_companion(run);
	case KIND_CLOSE:
		slot_set(context, operation->argument[0].index, -1);
		return 0;
	case KIND_SKIP:
	case KINDS:
		break;
	}
	return -EINVAL;
}

static bool tolerated(const struct operation *operation, int error)
{
	bool listed = false;
	for (unsigned int i = 0; i < 4; i++)
		listed |= operation->tolerate[i] == error;
	return listed || operation->flags & FLAG_TOLERATE_ANY;
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

static struct outcome run_operations(struct run *run)
{
	for (; run->index != run->end; run->index = run->next) {
		const struct operation *operation = &run->evaluation.program->operations[run->index];
		int64_t result = 0;

		run->next = run->index + 1 + (operation->kind == KIND_CLONE ? operation->number : 0);
		run->remote.error = 0;
		int error = perform(run, operation, &result);
		if (error < 0) {
			if (run->evaluation.empty && operation->flags & FLAG_OPTIONAL)
				continue;
			if (!tolerated(operation, -error)) {
				struct outcome failed = { run->index, -error };
				if (run->remote.error != 0)
					failed.index = run->remote.index;
				if (run->body)
					run_fail_body(run, failed);
				return failed;
			}
			empty_slots(run, operation);
			result = error;
		}
		run->evaluation.results[run->index] = result;
	}
	if (run->body)
		_exit(0);
	return (struct outcome){ 0 };
}

_Noreturn void run_borrowed_body(struct run *run)
{
	run->index = run->next;
	run_operations(run);
	_exit(0);
}

struct outcome program_run(const struct program *program, struct context *context, void *space)
{
	static _Alignas(16) uint8_t small[8 << 10];
	uint8_t *arena = program->arena > sizeof(small) ? map_memory(program->arena, MAP_PRIVATE) : small;
	uint8_t *output = (uint8_t *)space + (size_t)program->count * sizeof(int64_t);
	struct run run = {
		.context = context,
		.evaluation = { program, context->slots, space, output, arena, 0, false },
		.end = program->count,
	};

	for (uint32_t i = 0; i < program->count; i++)
		run.evaluation.results[i] = NO_RESULT;
	memset(output, 0, program->output_length);
	if (arena == NULL)
		return (struct outcome){ 0, ENOMEM };
	struct outcome outcome = run_operations(&run);
	children_forget(context, outcome.error != 0);
	if (arena != small)
		munmap(arena, program->arena);
	return outcome;
}
