/* The decoder: after it has accepted a program, no operation can make the executor read or write outside of the
 * program, its output and its arena. It allocates nothing and follows everything that evaluation will follow. */
#include <linux/sched.h>

#include "native.h"
#include "wire.h"

/* Structures may share their parts, so a small program can describe a great deal of work. Patches, parts, strings and
 * skipped operations are counted each time that they are looked at. */
enum { MAX_WORK = 1 << 26 };

struct decoder {
	const struct program *program;
	uint64_t work;
	uint64_t strings; /* data before this offset has a NUL behind it */
	uint64_t arena;   /* of the operation at hand */
	uint32_t index;   /* of the operation at hand */
	uint32_t borrowed; /* end of the last body that borrows its parent's memory */
};

static bool spend(struct decoder *decoder, uint64_t work)
{
	decoder->work += work;
	return decoder->work <= MAX_WORK;
}

static bool reserve(struct decoder *decoder, uint64_t bytes)
{
	decoder->arena += (bytes + 15) & ~UINT64_C(15);
	return decoder->arena <= MAX_ARENA;
}

static bool in_data(const struct decoder *decoder, uint64_t offset, uint64_t length)
{
	uint64_t size = decoder->program->data_length;
	return offset <= size && length <= size - offset;
}

#define BIT(type) (1U << (type))
#define ANY (BIT(TYPES) - 1)
#define DIRECTORY (BIT(TYPE_SLOT) | BIT(TYPE_INT))
#define STRING (BIT(TYPE_DATA) | BIT(TYPE_TEXT))
#define POINTER (BIT(TYPE_DATA) | BIT(TYPE_OUT) | BIT(TYPE_STRUCT))

static bool is_one_of(unsigned int type, unsigned int types)
{
	return type < TYPES && (types & BIT(type)) != 0;
}

/* What the parts or patches of an argument lie in, followed by `more` bytes; NULL if it isn't all there. */
static const void *table(struct decoder *decoder, const struct argument *argument, uint32_t more)
{
	uint64_t bytes = argument->index * sizeof(struct argument) + more;
	if (argument->value % 8 != 0 || !in_data(decoder, argument->value, bytes) || !spend(decoder, argument->index))
		return NULL;
	return decoder->program->data + argument->value;
}

static bool check_argument(struct decoder *decoder, const struct argument *argument, unsigned int depth);

static bool check_vector(struct decoder *decoder, const struct argument *argument)
{
	uint64_t bytes = (uint64_t)argument->length * sizeof(uint32_t);
	if (!in_data(decoder, argument->value, bytes) || !spend(decoder, argument->length))
		return false;
	for (uint64_t i = 0; i < bytes; i += sizeof(uint32_t)) {
		uint32_t string;
		memcpy(&string, decoder->program->data + argument->value + i, sizeof(string));
		if (string >= decoder->strings)
			return false;
	}
	return reserve(decoder, ((uint64_t)argument->length + 1) * sizeof(char *));
}

static bool check_text(struct decoder *decoder, const struct argument *argument, unsigned int depth)
{
	const struct argument *parts = table(decoder, argument, 0);
	uint64_t longest = 1;
	if (parts == NULL)
		return false;
	for (uint32_t i = 0; i < argument->index; i++) {
		if (!is_one_of(parts[i].type, BIT(TYPE_SLOT) | BIT(TYPE_DATA) | BIT(TYPE_RESULT)) ||
		    !check_argument(decoder, &parts[i], depth))
			return false;
		longest += parts[i].type == TYPE_DATA ? parts[i].length : sizeof("-9223372036854775808") - 1;
	}
	return longest <= MAX_TEXT && reserve(decoder, longest);
}

static bool check_struct(struct decoder *decoder, const struct argument *argument, unsigned int depth)
{
	const struct patch *patches = table(decoder, argument, argument->length);
	if (depth == MAX_STRUCT_DEPTH || patches == NULL || !reserve(decoder, argument->length))
		return false;
	for (uint32_t i = 0; i < argument->index; i++) {
		const struct patch *patch = &patches[i];
		struct argument value = { patch->type, patch->index, patch->length, patch->value };
		bool narrow = patch->width == 4 && !is_one_of(patch->type, POINTER);

		if ((patch->width != 8 && !narrow) || patch->offset > argument->length ||
		    patch->width > argument->length - patch->offset ||
		    !is_one_of(patch->type, POINTER | BIT(TYPE_INT) | BIT(TYPE_SLOT) | BIT(TYPE_RESULT)) ||
		    !check_argument(decoder, &value, depth + 1))
			return false;
	}
	return true;
}

/* `depth`: how many structures there are around it. */
static bool check_argument(struct decoder *decoder, const struct argument *argument, unsigned int depth)
{
	const struct program *program = decoder->program;
	switch (argument->type) {
	case TYPE_INT: return true;
	case TYPE_SLOT: return argument->index < program->slots;
	case TYPE_DATA:
		return in_data(decoder, argument->value, (uint64_t)argument->length + 1) &&
		       program->data[argument->value + argument->length] == 0;
	case TYPE_OUT:
		return argument->value <= program->output_length &&
		       argument->length <= program->output_length - argument->value;
	case TYPE_RESULT: return argument->value < decoder->index;
	case TYPE_VECTOR: return check_vector(decoder, argument);
	case TYPE_STRUCT: return check_struct(decoder, argument, depth);
	case TYPE_TEXT: return check_text(decoder, argument, depth);
	default: return false;
	}
}

/* Which types of argument each kind takes: SYSCALL up to six, the others exactly as many as listed. And between what
 * the number of one of them, `limited`, must lie. */
#define INT BIT(TYPE_INT)
#define SLOT BIT(TYPE_SLOT)
static const struct shape {
	uint8_t types[MAX_ARGUMENTS], limited;
	uint16_t least, most;
} shapes[KINDS] = {
	[KIND_SYSCALL] = { .types = { ANY, ANY, ANY, ANY, ANY, ANY } },
	[KIND_CLONE] = { .types = { INT, INT, INT, DIRECTORY } },
	[KIND_AWAIT] = { { SLOT, INT }, 1, AWAIT_SYNC, AWAIT_END },
	[KIND_SYNC] = { .types = { SLOT, INT | BIT(TYPE_RESULT) } },
	[KIND_PASS] = { .types = { SLOT, BIT(TYPE_DATA) } },
	[KIND_TAKE] = { .types = { SLOT, BIT(TYPE_DATA) } },
	[KIND_CLOSE] = { .types = { SLOT } },
	[KIND_WRITE] = { .types = { DIRECTORY, STRING, STRING, INT, INT, INT } },
	[KIND_READ] = { .types = { DIRECTORY, STRING, BIT(TYPE_OUT), INT } },
	[KIND_COMPARE] = { { BIT(TYPE_OUT), INT, INT, INT }, 3, 1, MAX_ERRNO },
	[KIND_SKIP] = { { BIT(TYPE_RESULT), INT, INT }, 1, SKIP_NEGATIVE, SKIP_NOT_EQUAL },
	[KIND_FAIL] = { { INT }, 0, 1, MAX_ERRNO },
	[KIND_EXIT] = { { INT }, 0, 0, 255 },
	[KIND_REMOVE] = { .types = { DIRECTORY, STRING } },
	[KIND_PROCESS] = { .types = { BIT(TYPE_RESULT), SLOT } },
	[KIND_KEEP] = { .types = { BIT(TYPE_DATA), INT }, .limited = 1, .least = KEEP_LAST, .most = KEEP_EXIT },
	[KIND_NETLINK] = { .types = { SLOT, BIT(TYPE_DATA) | BIT(TYPE_STRUCT), BIT(TYPE_OUT) } },
	[KIND_COMPANION] = { .types = { BIT(TYPE_RESULT), SLOT } },
};

static bool check_shape(const struct operation *operation)
{
	const struct shape *shape = &shapes[operation->kind];
	uint64_t limited = operation->argument[shape->limited].value;
	for (unsigned int i = 0; i < MAX_ARGUMENTS; i++) {
		bool there = i < operation->arguments, needed = shape->types[i] != 0 && operation->kind != KIND_SYSCALL;
		if (there ? !is_one_of(operation->argument[i].type, shape->types[i]) : needed)
			return false;
	}
	return shape->most == 0 || (limited >= shape->least && limited <= shape->most);
}

/* What would let a second process run on in this one's place, or in its memory, is not for SYSCALL: see CLONE. From
 * 0x40000000 on the same calls come again, for x32. */
static bool check_syscall(uint32_t number)
{
#ifdef SYS_fork
	if (number == SYS_fork || number == SYS_vfork)
		return false;
#endif
	return number != SYS_clone && number != SYS_clone3 && number < 0x40000000;
}

/* The namespaces, CLONE_PARENT, CLONE_CLEAR_SIGHAND, and the two that are set as needed in any case; or a body in the
 * parent's memory, while the parent waits. Whatever else clone3 knows would share more. */
static bool check_clone(const struct decoder *decoder, const struct argument *argument)
{
	const uint64_t allowed = CLONE_NEWNS | CLONE_NEWTIME | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PARENT | CLONE_CLEAR_SIGHAND |
				 CLONE_PIDFD | CLONE_INTO_CGROUP;
	uint64_t pidfd = argument[1].value, channel = argument[2].value, slots = decoder->program->slots;
	bool flags = argument[0].value == CLONE_BORROWED ? argument[3].type == TYPE_INT :
							    (argument[0].value & ~allowed) == 0;
	return flags && decoder->index >= decoder->borrowed && channel < slots &&
	       (pidfd == NO_SLOT || (pidfd < slots && pidfd != channel)) &&
	       (argument[3].type == TYPE_SLOT || argument[3].value == UINT64_MAX);
}

static bool check_slots(const struct decoder *decoder, const struct argument *list)
{
	if (list->length % 2 != 0 || list->length / 2 > MAX_PASSED)
		return false;
	for (uint32_t i = 0; i < list->length; i += 2) {
		uint16_t slot;
		memcpy(&slot, decoder->program->data + list->value + i, sizeof(slot));
		if (slot >= decoder->program->slots)
			return false;
	}
	return true;
}

/* A skip must land on an operation of the body that it starts in, or on that body's end: not inside a child's. */
static bool check_skip(struct decoder *decoder, const struct operation *operation, uint32_t end)
{
	const struct operation *operations = decoder->program->operations;
	uint64_t i = (uint64_t)decoder->index + 1, target = i + operation->number;
	if (target > end || !spend(decoder, operation->number))
		return false;
	while (i < target)
		i += operations[i].kind == KIND_CLONE ? (uint64_t)operations[i].number + 1 : 1;
	return i == target;
}

/* `end` is that of the body around the operation, `depth` how many bodies there are around it. */
static bool check_operation(struct decoder *decoder, const struct operation *operation, uint32_t end, uint32_t depth)
{
	const struct argument *argument = operation->argument;
	if (operation->kind >= KINDS || operation->arguments > MAX_ARGUMENTS || operation->reserved != 0 ||
	    (operation->flags & ~(FLAG_OPTIONAL | FLAG_TOLERATE_ANY)) != 0 || !check_shape(operation))
		return false;
	bool fills = operation->kind == KIND_SYSCALL && operation->result < decoder->program->slots;
	if (operation->result != NO_SLOT && !fills)
		return false;
	for (unsigned int i = 0; i < 4; i++)
		if (operation->tolerate[i] > MAX_ERRNO)
			return false;
	decoder->arena = 0;
	for (unsigned int i = 0; i < operation->arguments; i++)
		if (!check_argument(decoder, &argument[i], 0))
			return false;

	switch (operation->kind) {
	case KIND_SYSCALL: return check_syscall(operation->number);
	case KIND_CLONE:
		return operation->number < end - decoder->index && depth < MAX_BODY_DEPTH &&
		       check_clone(decoder, argument);
	case KIND_PASS:
	case KIND_TAKE: return check_slots(decoder, &argument[1]);
	case KIND_KEEP: return depth == 0 && check_slots(decoder, &argument[0]);
	case KIND_COMPARE: return argument[0].length >= 1 && argument[0].length <= 8;
	case KIND_SKIP: return check_skip(decoder, operation, end);
	case KIND_EXIT: return depth > 0;
	case KIND_PROCESS:
	case KIND_COMPANION:
	case KIND_HOLD: return depth == 0;
	default: return true;
	}
}

static bool check_header(const struct program_header *header, size_t length)
{
	return header->magic == PROGRAM_MAGIC && header->length == length && header->operations <= MAX_OPERATIONS &&
	       header->slots <= MAX_SLOTS && header->output_length <= MAX_OUTPUT && header->reserved == 0 &&
	       header->data_offset % 8 == 0 && header->data_offset <= length &&
	       header->data_length <= length - header->data_offset &&
	       sizeof(*header) + (uint64_t)header->operations * sizeof(struct operation) <= header->data_offset;
}

int program_decode(const void *bytes, size_t length, struct program *program, uint32_t *bad)
{
	const struct program_header *header = bytes;
	struct decoder decoder = { .program = program };
	uint32_t ends[MAX_BODY_DEPTH + 1];
	unsigned int depth = 0;
	*bad = NO_OPERATION;
	if (length < sizeof(*header) || !check_header(header, length))
		return -EINVAL;
	*program = (struct program){
		.operations = (const struct operation *)((const uint8_t *)bytes + sizeof(*header)),
		.data = (const uint8_t *)bytes + header->data_offset,
		.count = header->operations,
		.slots = header->slots,
		.data_length = header->data_length,
		.output_length = header->output_length,
	};
	for (decoder.strings = program->data_length; decoder.strings > 0; decoder.strings--)
		if (program->data[decoder.strings - 1] == 0)
			break;

	ends[0] = program->count;
	for (uint32_t i = 0; i < program->count; i++) {
		const struct operation *operation = &program->operations[i];

		while (i == ends[depth])
			depth--;
		decoder.index = i;
		if (!check_operation(&decoder, operation, ends[depth], depth)) {
			*bad = i;
			return -EINVAL;
		}
		if (decoder.arena > program->arena)
			program->arena = (uint32_t)decoder.arena;
		if (operation->kind == KIND_CLONE && operation->argument[0].value == CLONE_BORROWED)
			decoder.borrowed = i + 1 + operation->number;
		if (operation->kind == KIND_CLONE && operation->number > 0)
			ends[++depth] = i + 1 + operation->number;
	}
	return 0;
}

const char *configuration_string(const void *bytes, size_t size, size_t *at)
{
	uint32_t length;
	if (*at > size || size - *at < sizeof(length) + 1)
		return NULL;
	memcpy(&length, (const char *)bytes + *at, sizeof(length));
	const char *text = (const char *)bytes + *at + sizeof(length);
	if (length > size - *at - 5 || text[length] != '\0' || memchr(text, '\0', length) != NULL)
		return NULL;
	*at += ((size_t)length + 5 + 3) & ~(size_t)3;
	return text;
}
