/* From a program's bytes to what the kernel takes. Nothing that they say of themselves is believed: each offset, length, slot
 * and index is checked against the bytes that are there when it is used, so no operation can make the executor read or write
 * outside of the program, its output and its arena. */
#include "native.h"

#include "execute.h"

/* Structures may share their parts, so a small program can describe a great deal of work. */
enum { MAX_WORK = 1 << 24 };

#define BIT(type) (1U << (type))
#define INT BIT(TYPE_INT)
#define SLOT BIT(TYPE_SLOT)
#define DATA BIT(TYPE_DATA)
#define OUT BIT(TYPE_OUT)
#define RESULT BIT(TYPE_RESULT)
#define DIRECTORY (SLOT | INT)
#define STRING (DATA | BIT(TYPE_TEXT))
#define POINTER (DATA | OUT | BIT(TYPE_STRUCT))
#define ANY (BIT(TYPES) - 1)

/* Which types of argument each kind takes: SYSCALL up to six, the others exactly as many as listed. */
static const uint8_t shapes[KINDS][MAX_ARGUMENTS] = {
	[KIND_SYSCALL] = { ANY, ANY, ANY, ANY, ANY, ANY },
	[KIND_CLONE] = { INT, INT, INT, DIRECTORY },
	[KIND_AWAIT] = { SLOT, INT },
	[KIND_SYNC] = { SLOT, INT | RESULT },
	[KIND_PASS] = { SLOT, DATA },
	[KIND_TAKE] = { SLOT, DATA },
	[KIND_CLOSE] = { SLOT },
	[KIND_WRITE] = { DIRECTORY, STRING, STRING, INT, INT, INT },
	[KIND_READ] = { DIRECTORY, STRING, OUT, INT },
	[KIND_COMPARE] = { OUT, INT, INT, INT },
	[KIND_SKIP] = { RESULT, INT, INT },
	[KIND_FAIL] = { INT },
	[KIND_EXIT] = { INT },
	[KIND_REMOVE] = { DIRECTORY, STRING },
	[KIND_PROCESS] = { RESULT, SLOT },
	[KIND_KEEP] = { DATA, INT },
	[KIND_NETLINK] = { SLOT, DATA | BIT(TYPE_STRUCT), OUT },
	[KIND_COMPANION] = { RESULT, SLOT },
};

static bool is_one_of(unsigned int type, unsigned int types)
{
	return type < TYPES && (types & BIT(type)) != 0;
}

static void *take(struct evaluation *evaluation, uint64_t bytes)
{
	void *memory = evaluation->arena + evaluation->used;
	bytes = (bytes + 15) & ~UINT64_C(15);
	if (bytes > MAX_ARENA - evaluation->used)
		return NULL;
	evaluation->used += (uint32_t)bytes;
	return memory;
}

/* `length` bytes of data, or NULL. */
static const void *data(const struct evaluation *evaluation, uint64_t offset, uint64_t length)
{
	uint64_t size = evaluation->program->data_length;
	return offset <= size && length <= size - offset ? evaluation->program->data + offset : NULL;
}

static int evaluate(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length);

/* The parts or patches of an argument, with `more` bytes behind them. */
static const void *table(struct evaluation *evaluation, const struct argument *argument, uint32_t more)
{
	evaluation->work += argument->index;
	if (argument->value % 8 != 0 || evaluation->work > MAX_WORK)
		return NULL;
	return data(evaluation, argument->value, argument->index * sizeof(struct argument) + more);
}

static int text(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length)
{
	const struct argument *parts = table(evaluation, argument, 0);
	char *start = (char *)evaluation->arena + evaluation->used, *to = start;
	for (uint32_t i = 0; i < argument->index && parts != NULL; i++) {
		uint64_t part;
		size_t size;
		if (!is_one_of(parts[i].type, SLOT | DATA | RESULT))
			return -MALFORMED;
		int error = evaluate(evaluation, &parts[i], &part, &size);
		if (error < 0)
			return error;
		size_t room = MAX_ARENA - evaluation->used - (size_t)(to - start);
		if (room < 32 || (parts[i].type == TYPE_DATA && room - 32 < size))
			return -MALFORMED;
		if (parts[i].type == TYPE_DATA) {
			memcpy(to, (const void *)(uintptr_t)part, size);
			to += size;
			continue;
		}
		if ((int64_t)part < 0)
			*to++ = '-';
		to = put_number(to, (int64_t)part < 0 ? -part : part, 1);
	}
	*length = (size_t)(to - start);
	*value = (uintptr_t)take(evaluation, *length + 1);
	if (parts == NULL || *value == 0)
		return -MALFORMED;
	*to = '\0';
	return 0;
}

static int structure(struct evaluation *evaluation, const struct argument *argument, uint64_t *value)
{
	const struct patch *patch = table(evaluation, argument, argument->length);
	uint8_t *copy = take(evaluation, argument->length);
	if (patch == NULL || copy == NULL || evaluation->depth == MAX_STRUCT_DEPTH)
		return -MALFORMED;
	memcpy(copy, patch + argument->index, argument->length);
	evaluation->depth++;
	for (uint32_t i = 0; i < argument->index; i++, patch++) {
		struct argument field = { patch->type, patch->index, patch->length, patch->value };
		uint64_t word;
		size_t length;
		bool wide = patch->width == 8 || (patch->width == 4 && !is_one_of(patch->type, POINTER));
		if (!wide || patch->offset > argument->length || patch->width > argument->length - patch->offset ||
		    !is_one_of(patch->type, POINTER | INT | SLOT | RESULT))
			return -MALFORMED;
		int error = evaluate(evaluation, &field, &word, &length);
		if (error < 0)
			return error;
		memcpy(copy + patch->offset, &word, patch->width);
	}
	evaluation->depth--;
	*value = (uintptr_t)copy;
	return 0;
}

/* `length` receives what lies behind a pointer, without a final NUL. */
static int evaluate(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length)
{
	const struct program *program = evaluation->program;
	*length = argument->length;
	*value = argument->value;
	switch ((enum argument_type)argument->type) {
	case TYPE_INT: return 0;
	case TYPE_STRUCT: return structure(evaluation, argument, value);
	case TYPE_TEXT: return text(evaluation, argument, value, length);
	case TYPE_SLOT:
		if (argument->index >= program->slots)
			return -MALFORMED;
		*value = (uint64_t)(int64_t)evaluation->slots[argument->index];
		evaluation->empty |= (int64_t)*value < 0;
		return (int64_t)*value < 0 ? -EBADF : 0;
	case TYPE_RESULT:
		if (argument->value >= evaluation->index)
			return -MALFORMED;
		*value = (uint64_t)evaluation->results[argument->value];
		return (int64_t)*value == NO_RESULT ? -EINVAL : 0;
	case TYPE_DATA: {
		const char *bytes = data(evaluation, argument->value, (uint64_t)argument->length + 1);
		*value = (uintptr_t)bytes;
		return bytes == NULL || bytes[argument->length] != '\0' ? -MALFORMED : 0;
	}
	case TYPE_OUT:
		*value += (uintptr_t)evaluation->output;
		return argument->value > program->output_length || argument->length > program->output_length - argument->value ?
			       -MALFORMED : 0;
	case TYPES: break;
	}
	return -MALFORMED;
}

int operation_evaluate(struct evaluation *evaluation, const struct operation *operation, uint64_t *value, size_t *length)
{
	uint32_t count = operation->arguments;
	bool fills = operation->kind == KIND_SYSCALL && operation->result < evaluation->program->slots;
	if (operation->kind >= KINDS || count > MAX_ARGUMENTS || (operation->result != NO_SLOT && !fills))
		return -MALFORMED;
	evaluation->used = evaluation->depth = evaluation->work = 0;
	evaluation->empty = false;
	for (uint32_t i = 0; i < MAX_ARGUMENTS; i++) {
		uint8_t types = shapes[operation->kind][i];
		value[i] = length[i] = 0;
		if (i < count ? !is_one_of(operation->argument[i].type, types) : types != 0 && operation->kind != KIND_SYSCALL)
			return -MALFORMED;
	}
	for (uint32_t i = 0; i < count; i++) {
		int error = evaluate(evaluation, &operation->argument[i], &value[i], &length[i]);
		/* To SKIP, a RESULT that isn't there is a number like any other. */
		if (error < 0 && (error != -EINVAL || operation->kind != KIND_SKIP))
			return error;
	}
	return 0;
}

int program_open(const void *bytes, size_t length, struct program *program)
{
	const struct program_header *header = bytes;
	if (length < sizeof(*header) || header->magic != PROGRAM_MAGIC || header->length != length ||
	    header->operations > MAX_OPERATIONS || header->slots > MAX_SLOTS || header->output_length > MAX_OUTPUT ||
	    header->data_offset % 8 != 0 || header->data_offset > length || header->data_length > length - header->data_offset ||
	    sizeof(*header) + (uint64_t)header->operations * sizeof(struct operation) > header->data_offset)
		return -EINVAL;
	*program = (struct program){
		.operations = (const struct operation *)(header + 1),
		.data = (const uint8_t *)bytes + header->data_offset,
		.count = header->operations,
		.slots = header->slots,
		.data_length = header->data_length,
		.output_length = header->output_length,
	};
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
