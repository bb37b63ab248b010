/* Performs the operations of a decoded program in order. Handlers return 0 or -errno; the operation's result goes to
 * *result. A failure that came from a child keeps the child's index, see `remote`. */
#include <sys/vfs.h>

#include "execute.h"

enum { OPENAT2_TRIES = 1000 };

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

static const void *pointer(const struct run *run, unsigned int argument)
{
	return (const void *)(uintptr_t)run->value[argument];
}

static int do_syscall(struct run *run, const struct operation *operation, int64_t *result)
{
	const uint64_t *value = run->value;
	unsigned int again = 0;
	/* What would let a second process run on in this one's place, or in its memory, is not for SYSCALL: see CLONE. From
	 * 0x40000000 on the same calls come again, for x32. */
#ifdef SYS_fork
	if (operation->number == SYS_fork || operation->number == SYS_vfork)
		return -MALFORMED;
#endif
	if (operation->number == SYS_clone || operation->number == SYS_clone3 || operation->number >= 0x40000000)
		return -MALFORMED;
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

/* The slots that PASS, TAKE and KEEP speak of, an argument of data. Returns how many. */
static int list_slots(const struct run *run, unsigned int argument, uint16_t slots[MAX_PASSED])
{
	size_t length = run->length[argument];
	if (length % sizeof(*slots) != 0 || length > MAX_PASSED * sizeof(*slots))
		return -MALFORMED;
	memcpy(slots, pointer(run, argument), length);
	for (size_t i = 0; i < length / sizeof(*slots); i++)
		if (slots[i] >= run->evaluation.program->slots)
			return -MALFORMED;
	return (int)(length / sizeof(*slots));
}

static int do_pass(struct run *run, int64_t *result)
{
	uint16_t slots[MAX_PASSED];
	int descriptors[MAX_PASSED], count = list_slots(run, 1, slots);
	struct message message = { .type = MESSAGE_FDS, .count = (uint32_t)count };
	for (int i = 0; i < count; i++) {
		descriptors[i] = run->context->slots[slots[i]];
		*result += descriptors[i] >= 0;
	}
	return count < 0 ? count : channel_send((int)run->value[0], &message, descriptors, &run->remote);
}

static int do_take(struct run *run, int64_t *result)
{
	struct message message;
	uint16_t slots[MAX_PASSED];
	int descriptors[MAX_PASSED], count = list_slots(run, 1, slots);
	if (count < 0)
		return count;
	int got = channel_receive((int)run->value[0], &message, descriptors, (uint32_t)count, &run->remote);
	for (int i = 0; i < count; i++) {
		slot_set(run->context, slots[i], got > 0 ? descriptors[i] : -1);
		*result += got > 0 && descriptors[i] >= 0;
	}
	return got == 0 ? -ECHILD : got < 0 ? got : 0;
}

static int do_keep(struct run *run)
{
	uint16_t slots[MAX_PASSED];
	int count = list_slots(run, 0, slots), error = run->context->keep != NULL ? 0 : -ENOSYS;
	for (int i = 0; i < count && error == 0; i++)
		if (run->context->slots[slots[i]] >= 0)
			error = run->context->keep(run->context->slots[slots[i]], run->value[1] != 0);
	return count < 0 ? count : error;
}

/* WRITE and READ. */
static int do_file(struct run *run, bool writes, int64_t *result)
{
	struct statfs info;
	uint8_t *bytes = (uint8_t *)(uintptr_t)run->value[2];
	size_t length = run->length[2];
	uint64_t magic = run->value[writes ? 5 : 3];
	int flags = writes ? (int)run->value[3] : O_RDONLY, error = 0;
	int fd = (int)RETRY(openat((int)run->value[0], pointer(run, 1), flags | O_CLOEXEC, (unsigned int)run->value[4]));
	if (fd < 0)
		return -errno;
	if (magic != 0)
		error = fstatfs(fd, &info) < 0 ? -errno : (uint64_t)info.f_type == magic ? 0 : -EXDEV;
	for (ssize_t got = 1; got > 0 && error == 0 && ((size_t)*result < length || (writes && length == 0));) {
		got = writes ? RETRY(write(fd, bytes, length)) : RETRY(read(fd, bytes + *result, length - (size_t)*result));
		*result += got > 0 ? got : 0;
		error = got < 0 ? -errno : writes && (size_t)got < length ? -EIO : 0;
	}
	if (close(fd) < 0 && errno != EINTR && error == 0)
		error = -errno;
	return error;
}

static int do_compare(const struct run *run)
{
	uint64_t number = 0;
	if (run->length[0] > sizeof(number))
		return -MALFORMED;
	memcpy(&number, pointer(run, 0), run->length[0]);
	return (number & run->value[1]) == run->value[2] ? 0 : -(int)run->value[3];
}

static int do_skip(struct run *run, const struct operation *operation)
{
	int64_t subject = (int64_t)run->value[0], value = (int64_t)run->value[2];
	if (run->value[1] & (subject < value ? SKIP_LESS : subject == value ? SKIP_EQUAL : SKIP_GREATER))
		run->next += operation->number;
	return 0;
}

static int perform(struct run *run, const struct operation *operation, int64_t *result)
{
	struct context *context = run->context;
	bool jumps = operation->kind == KIND_CLONE || operation->kind == KIND_SKIP;
	bool shims = operation->kind >= KIND_PROCESS && operation->kind != KIND_NETLINK;
	run->evaluation.index = run->index;
	int error = operation_evaluate(&run->evaluation, operation, run->value, run->length);
	if (error < 0)
		return error;
	if ((jumps && operation->number > run->end - run->index - 1) || (shims && run->body))
		return -MALFORMED;

	switch ((enum operation_kind)operation->kind) {
	case KIND_SYSCALL: return do_syscall(run, operation, result);
	case KIND_CLONE: return run_clone(run, operation, result);
	case KIND_AWAIT: return do_await(run, result);
	case KIND_SYNC: return do_sync(run);
	case KIND_PASS: return do_pass(run, result);
	case KIND_TAKE: return do_take(run, result);
	case KIND_WRITE: return do_file(run, true, result);
	case KIND_READ: return do_file(run, false, result);
	case KIND_COMPARE: return do_compare(run);
	case KIND_SKIP: return do_skip(run, operation);
	case KIND_FAIL: return -(int)(run->value[0] & MAX_ERRNO);
	case KIND_REMOVE: return remove_tree((int)run->value[0], pointer(run, 1), result);
	case KIND_PROCESS: return context->process ? context->process((int)run->value[0], (int)run->value[1]) : -ENOSYS;
	case KIND_HOLD: return context->hold ? context->hold() : -ENOSYS;
	case KIND_KEEP: return do_keep(run);
	case KIND_NETLINK:
		return netlink_exchange((int)run->value[0], pointer(run, 1), run->length[1], (uint8_t *)(uintptr_t)run->value[2],
					run->length[2], result);
	case KIND_COMPANION:
		child_accompany((int)run->value[0]);
		return context->process != NULL ? 0 : -ENOSYS;
	case KIND_CLOSE:
		slot_set(context, operation->argument[0].index, -1);
		return 0;
	case KIND_EXIT:
		if (run->body)
			_exit((int)run->value[0]);
		break;
	case KINDS:
		break;
	}
	return -MALFORMED;
}

static bool tolerated(const struct operation *operation, int error)
{
	bool listed = false;
	for (unsigned int i = 0; i < 4; i++)
		listed |= operation->tolerate[i] == error;
	return listed || operation->flags & FLAG_TOLERATE_ANY;
}

static struct outcome run_operations(struct run *run)
{
	for (; run->index != run->end; run->index = run->next) {
		const struct operation *operation = &run->evaluation.program->operations[run->index];
		int64_t result = 0;

		run->next = run->index + 1;
		run->remote.error = 0;
		int error = perform(run, operation, &result);
		if (error < 0) {
			if (run->evaluation.empty && operation->flags & FLAG_OPTIONAL)
				continue;
			if (error == -MALFORMED || !tolerated(operation, -error)) {
				struct outcome failed = { run->index, -error };
				if (run->remote.error != 0)
					failed.index = run->remote.index;
				if (run->body)
					run_fail_body(run, failed);
				return failed;
			}
			/* A slot that should have received something and didn't is empty, not what it was before. */
			if (operation->result != NO_SLOT)
				slot_set(run->context, operation->result, -1);
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
	static uint8_t *arena;
	if (arena == NULL)
		arena = map_memory(MAX_ARENA, MAP_PRIVATE);
	struct run run = {
		.context = context,
		.evaluation = { .program = program, .slots = context->slots, .results = space, .arena = arena,
				.output = (uint8_t *)space + (size_t)program->count * sizeof(int64_t) },
		.end = program->count,
	};

	for (uint32_t i = 0; i < program->count; i++)
		run.evaluation.results[i] = NO_RESULT;
	memset(run.evaluation.output, 0, program->output_length);
	if (arena == NULL)
		return (struct outcome){ 0, ENOMEM };
	struct outcome outcome = run_operations(&run);
	children_forget(outcome.error != 0 ? END_ALL : FORGET_OTHERS);
	give_back(arena, 0, MAX_ARENA);
	return outcome;
}
