/* libFuzzer target: decodes its input and, when it is accepted, evaluates every argument of every operation and touches
 * all that the results point to. `fuzz --seeds DIRECTORY` writes a corpus to begin with. */
#include <stdlib.h>

#include "execute.h"

enum { SLOTS = 8 };

static volatile uint8_t sink;

static void read_bytes(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink = ((const uint8_t *)bytes)[i];
}

static void touch(uint16_t type, uint64_t value, size_t length)
{
	char *pointer = (char *)(uintptr_t)value;
	if (type == TYPE_OUT)
		memset(pointer, 1, length);
	if (type == TYPE_DATA || type == TYPE_TEXT || type == TYPE_STRUCT)
		read_bytes(pointer, length);
	if ((type == TYPE_DATA || type == TYPE_TEXT) && pointer[length] != '\0')
		abort();
	if (type == TYPE_VECTOR)
		for (char **string = (char **)pointer; *string != NULL; string++)
			read_bytes(*string, strlen(*string));
}

static void evaluate_all(const struct program *program)
{
	int slots[MAX_SLOTS] = { 3, -1, 2147483647 };
	int64_t *results = malloc(program->count * sizeof(*results));
	uint8_t *output = malloc(program->output_length), *arena = aligned_alloc(16, program->arena);
	struct evaluation evaluation = { program, slots, results, output, arena, 0, false };
	for (uint32_t i = 0; i < program->count; i++) {
		const struct operation *operation = &program->operations[i];
		bool jumps = operation->kind == KIND_CLONE || operation->kind == KIND_SKIP;
		/* What executing moves on by must stay inside; wire.c promised it. */
		if (jumps && operation->number > program->count - i - 1)
			abort();
		evaluation.used = 0;
		for (unsigned int j = 0; j < operation->arguments; j++) {
			uint64_t value;
			size_t length;
			int error = argument_evaluate(&evaluation, &operation->argument[j], &value, &length);
			if (evaluation.used > program->arena)
				abort();
			if (error == 0)
				touch(operation->argument[j].type, value, length);
		}
		results[i] = i % 3 == 0 ? NO_RESULT : i % 3 == 1 ? INT64_MIN + 1 : (int64_t)i;
	}
	free(results);
	free(output);
	free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct program program;
	uint32_t bad, size = (uint32_t)length;
	size_t at = sizeof(struct shim_configuration);
	/* Exactly as long as it is, so that the sanitizer sees what lies behind. */
	uint8_t *copy = malloc(length);

	memcpy(copy, bytes, length);
	/* A wrong length would be found first, and nothing else; every other input gets the right one. */
	if (length >= sizeof(struct program_header) && length % 2 == 0)
		memcpy(copy + offsetof(struct program_header, length), &size, sizeof(size));
	if (program_decode(copy, length, &program, &bad) == 0)
		evaluate_all(&program);
	/* And as if it were a shim's configuration. */
	for (const char *text; (text = configuration_string(copy, length, &at)) != NULL;)
		read_bytes(text, strlen(text) + 1);
	free(copy);
	return 0;
}

/* One operation of each kind, with every type of argument somewhere. */
static const struct {
	struct program_header header;
	struct operation operations[KINDS + 1];
	uint8_t strings[16];
	uint32_t vector[2];
	uint16_t list[4];
	struct argument parts[3];
	struct patch inner;
	uint64_t inner_bytes;
	struct patch outer[5];
	uint64_t outer_bytes[5], end;
} seed = {
#define DATA(field) (offsetof(__typeof__(seed), field) - offsetof(__typeof__(seed), strings))
#define BODY(of, size, count, ...) { of, 0, size, NO_SLOT, count, { 0 }, 0, { __VA_ARGS__ } }
#define OPERATION(of, count, ...) BODY(of, 0, count, __VA_ARGS__)
#define INT(number) { TYPE_INT, 0, 0, number }
#define SLOT(number) { TYPE_SLOT, number, 0, 0 }
#define RESULT(number) { TYPE_RESULT, 0, 0, number }
#define OUT(offset, size) { TYPE_OUT, 0, size, offset }
#define STRING { TYPE_DATA, 0, 5, 0 }
#define LIST { TYPE_DATA, 0, 6, DATA(list) }
#define TEXT { TYPE_TEXT, 3, 0, DATA(parts) }
#define VECTOR { TYPE_VECTOR, 0, 2, DATA(vector) }
#define STRUCT { TYPE_STRUCT, 5, 40, DATA(outer) }
	.header = { PROGRAM_MAGIC, sizeof(seed), KINDS + 1, SLOTS, offsetof(__typeof__(seed), strings),
		    sizeof(seed) - offsetof(__typeof__(seed), strings), 64, 0 },
	.operations = {
		OPERATION(KIND_COMPARE, 4, OUT(3, 8), INT(255), INT(1), INT(22)),
		OPERATION(KIND_SYSCALL, 6, INT(1), SLOT(0), STRING, OUT(8, 56), VECTOR, STRUCT),
		OPERATION(KIND_SYSCALL, 2, TEXT, RESULT(0)),
		BODY(KIND_CLONE, 9, 4, INT(0x20020000), INT(1), INT(2), SLOT(3)),
		OPERATION(KIND_AWAIT, 2, SLOT(2), INT(1)),
		OPERATION(KIND_SYNC, 2, SLOT(2), RESULT(1)),
		OPERATION(KIND_PASS, 2, SLOT(2), LIST),
		OPERATION(KIND_TAKE, 2, SLOT(2), LIST),
		OPERATION(KIND_CLOSE, 1, SLOT(4)),
		OPERATION(KIND_WRITE, 6, INT(-100), STRING, TEXT, INT(1), INT(0), INT(0x9fa0)),
		OPERATION(KIND_READ, 4, SLOT(0), TEXT, OUT(0, 64), INT(0)),
		BODY(KIND_SKIP, 1, 3, RESULT(1), INT(3), INT(7)),
		OPERATION(KIND_EXIT, 1, INT(3)),
		OPERATION(KIND_FAIL, 1, INT(5)),
		OPERATION(KIND_REMOVE, 2, SLOT(0), STRING),
		OPERATION(KIND_PROCESS, 2, RESULT(2), SLOT(1)),
		OPERATION(KIND_HOLD, 0, INT(0)),
		OPERATION(KIND_KEEP, 1, LIST),
		OPERATION(KIND_NETLINK, 3, SLOT(0), STRUCT, OUT(0, 64)),
		OPERATION(KIND_COMPANION, 2, RESULT(2), SLOT(1)),
	},
	.strings = "hello\0there",
	.vector = { 0, 6 },
	.list = { 0, 1, 7, 0 },
	.parts = { STRING, SLOT(0), RESULT(0) },
	.inner = { 0, 8, TYPE_DATA, 0, 5, 0 },
	.outer = { { 0, 4, TYPE_SLOT, 0, 0, 0 }, { 8, 8, TYPE_STRUCT, 1, 8, DATA(inner) }, { 16, 8, TYPE_OUT, 0, 8, 0 },
		   { 24, 8, TYPE_RESULT, 0, 0, 0 }, { 36, 4, TYPE_INT, 0, 0, 9 } },
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct program program;
	uint32_t bad;
	/* The decoder must accept it, or the whole run is worth nothing. */
	if (program_decode(&seed, sizeof(seed), &program, &bad) < 0)
		abort();
	if (*argc != 3 || strcmp((*argv)[1], "--seeds") != 0)
		return 0;
	int fd = openat(open((*argv)[2], O_PATH | O_DIRECTORY), "every-kind", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	exit(write(fd, &seed, sizeof(seed)) == (ssize_t)sizeof(seed) ? 0 : 1);
}
