/* Everything here was checked by wire.c: offsets, lengths, slots' numbers, and that the arena suffices. */
#include <errno.h>
#include <string.h>

#include "arguments.h"

static void *take(struct evaluation *evaluation, size_t bytes)
{
	void *memory = evaluation->arena + evaluation->used;

	evaluation->used += (uint32_t)((bytes + 15) & ~(size_t)15);
	return memory;
}

static int scalar(struct evaluation *evaluation, unsigned int type, uint16_t index, uint64_t value, int64_t *result)
{
	if (type == TYPE_SLOT) {
		*result = evaluation->slots[index];
		if (*result >= 0)
			return 0;
		evaluation->empty = true;
		return -EBADF;
	}
	*result = evaluation->results[value];
	return *result == NO_RESULT ? -EINVAL : 0;
}

static size_t decimal(int64_t number, char *to)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char digits[20];
	size_t count = 0, length = 0;

	do
		digits[count++] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		to[length++] = '-';
	while (count > 0)
		to[length++] = digits[--count];
	return length;
}

static int text(struct evaluation *evaluation, uint64_t offset, uint32_t count, uint64_t *value, size_t *length)
{
	char *start = (char *)evaluation->arena + evaluation->used, *to = start;

	for (uint32_t i = 0; i < count; i++) {
		struct argument part;
		int64_t number;
		int error;

		memcpy(&part, evaluation->program->data + offset + i * sizeof(part), sizeof(part));
		if (part.type == TYPE_DATA) {
			memcpy(to, evaluation->program->data + part.value, part.length);
			to += part.length;
			continue;
		}
		error = scalar(evaluation, part.type, part.index, part.value, &number);
		if (error < 0)
			return error;
		to += decimal(number, to);
	}
	*to = '\0';
	*value = (uintptr_t)take(evaluation, (size_t)(to - start) + 1);
	*length = (size_t)(to - start);
	return 0;
}

static int structure(struct evaluation *evaluation, const struct argument *argument, uint64_t *value)
{
	const uint8_t *patches = evaluation->program->data + argument->value;
	uint8_t *copy = take(evaluation, argument->length);

	memcpy(copy, patches + argument->index * sizeof(struct patch), argument->length);
	for (uint32_t i = 0; i < argument->index; i++) {
		struct patch patch;
		uint64_t word;
		int error;

		memcpy(&patch, patches + i * sizeof(patch), sizeof(patch));
		error = argument_evaluate(evaluation,
					  &(struct argument){ patch.type, patch.index, patch.length, patch.value },
					  &word, NULL);
		if (error < 0)
			return error;
		memcpy(copy + patch.offset, &word, patch.width);
	}
	*value = (uintptr_t)copy;
	return 0;
}

static void vector(struct evaluation *evaluation, const struct argument *argument, uint64_t *value)
{
	const uint8_t *data = evaluation->program->data;
	const uint8_t **pointers = take(evaluation, ((size_t)argument->length + 1) * sizeof(*pointers));

	for (uint32_t i = 0; i < argument->length; i++) {
		uint32_t offset;

		memcpy(&offset, data + argument->value + i * sizeof(offset), sizeof(offset));
		pointers[i] = data + offset;
	}
	pointers[argument->length] = NULL;
	*value = (uintptr_t)pointers;
}

int argument_evaluate(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length)
{
	size_t text_length = argument->length;
	int error = 0;

	switch ((enum argument_type)argument->type) {
	case TYPE_INT:
		*value = argument->value;
		break;
	case TYPE_SLOT:
	case TYPE_RESULT:
		error = scalar(evaluation, argument->type, argument->index, argument->value, (int64_t *)value);
		break;
	case TYPE_DATA:
		*value = (uintptr_t)(evaluation->program->data + argument->value);
		break;
	case TYPE_OUT:
		*value = (uintptr_t)(evaluation->output + argument->value);
		break;
	case TYPE_VECTOR:
		vector(evaluation, argument, value);
		break;
	case TYPE_STRUCT:
		error = structure(evaluation, argument, value);
		break;
	case TYPE_TEXT:
		error = text(evaluation, argument->value, argument->index, value, &text_length);
		break;
	case TYPES:
		error = -EINVAL;
		break;
	}
	if (length != NULL)
		*length = text_length;
	return error;
}
