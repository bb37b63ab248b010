/* libFuzzer target: evaluates every argument of every operation of its input and touches all that the results point to. */
#include <stdlib.h>

#include "execute.h"

static volatile uint8_t sink;

static void evaluate_all(const struct program *program)
{
	static _Alignas(16) uint8_t arena[MAX_ARENA];
	int slots[MAX_SLOTS] = { 3, -1, 2147483647 };
	int64_t *space = malloc(program_space(program));
	struct evaluation evaluation = { program, slots, space, (uint8_t *)(space + program->count), arena, 0, 0, 0, 0, false };
	for (uint32_t i = 0; i < program->count; i++) {
		const struct operation *operation = &program->operations[i];
		uint64_t value[MAX_ARGUMENTS];
		size_t length[MAX_ARGUMENTS];
		evaluation.index = i;
		bool fine = operation_evaluate(&evaluation, operation, value, length) == 0;
		for (unsigned int j = 0; fine && j < operation->arguments; j++) {
			unsigned int type = operation->argument[j].type;
			uint8_t *bytes = (uint8_t *)(uintptr_t)value[j];
			bool text = type == TYPE_DATA || type == TYPE_TEXT, pointer = text || type == TYPE_OUT || type == TYPE_STRUCT;
			for (size_t at = 0; at < length[j] && pointer; at++)
				sink = type == TYPE_OUT ? bytes[at]++ : bytes[at];
			if (text && bytes[length[j]] != '\0')
				abort();
		}
		space[i] = i % 3 == 0 ? NO_RESULT : i % 3 == 1 ? INT64_MIN + 1 : (int64_t)i;
	}
	free(space);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct program program;
	size_t at = sizeof(struct shim_configuration);
	/* Exactly as long as it is, so that the sanitizer sees what lies behind. */
	uint8_t *copy = malloc(length);
	memcpy(copy, bytes, length);
	/* A wrong length would be found first, and nothing else; every other input gets the right one. */
	if (length >= sizeof(struct program_header) && length % 2 == 0)
		((struct program_header *)copy)->length = (uint32_t)length;
	if (program_open(copy, length, &program) == 0)
		evaluate_all(&program);
	/* And as if it were a shim's configuration. */
	for (const char *text; (text = configuration_string(copy, length, &at)) != NULL;)
		sink = (uint8_t)strlen(text);
	free(copy);
	return 0;
}
