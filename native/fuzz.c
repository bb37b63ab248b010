/* libFuzzer target: evaluates every argument of every operation of its input and touches all that the results point to. */
#include <stdlib.h>

#include "execute.h"

static volatile uint8_t sink;

static void touch(const struct argument *argument, char *pointer, size_t length)
{
	bool text = argument->type == TYPE_DATA || argument->type == TYPE_TEXT;
	if (argument->type == TYPE_OUT)
		memset(pointer, 1, length);
	for (size_t i = 0; i < length && (text || argument->type == TYPE_STRUCT); i++)
		sink = (uint8_t)pointer[i];
	if (text && pointer[length] != '\0')
		abort();
}

static void evaluate_all(const struct program *program)
{
	static _Alignas(16) uint8_t arena[MAX_ARENA];
	int slots[MAX_SLOTS] = { 3, -1, 2147483647 };
	int64_t *results = malloc(program->count * sizeof(*results));
	uint8_t *output = malloc(program->output_length);
	struct evaluation evaluation = {
		.program = program, .slots = slots, .results = results, .output = output, .arena = arena,
	};
	for (uint32_t i = 0; i < program->count; i++) {
		uint64_t value[MAX_ARGUMENTS];
		size_t length[MAX_ARGUMENTS];
		evaluation.index = i;
		bool fine = operation_evaluate(&evaluation, &program->operations[i], value, length) == 0;
		for (unsigned int j = 0; fine && j < program->operations[i].arguments; j++)
			touch(&program->operations[i].argument[j], (char *)(uintptr_t)value[j], length[j]);
		results[i] = i % 3 == 0 ? NO_RESULT : i % 3 == 1 ? INT64_MIN + 1 : (int64_t)i;
	}
	free(results);
	free(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct program program;
	uint32_t size = (uint32_t)length;
	size_t at = sizeof(struct shim_configuration);
	/* Exactly as long as it is, so that the sanitizer sees what lies behind. */
	uint8_t *copy = malloc(length);
	memcpy(copy, bytes, length);
	/* A wrong length would be found first, and nothing else; every other input gets the right one. */
	if (length >= sizeof(struct program_header) && length % 2 == 0)
		memcpy(copy + offsetof(struct program_header, length), &size, sizeof(size));
	if (program_open(copy, length, &program) == 0)
		evaluate_all(&program);
	/* And as if it were a shim's configuration. */
	for (const char *text; (text = configuration_string(copy, length, &at)) != NULL;)
		sink = (uint8_t)strlen(text);
	free(copy);
	return 0;
}
