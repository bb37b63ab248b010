/* Everything here was checked by wire.c: offsets, lengths, slots' numbers, and that the arena suffices. */
#include "execute.h"

static void *take(struct evaluation *evaluation, size_t bytes)
{
	void *memory = evaluation->arena + evaluation->used;
	evaluation->used += (uint32_t)((bytes + 15) & ~(size_t)15);
	return memory;
}

static int scalar(struct evaluation *evaluation, const struct argument *argument, int64_t *value)
{
	if (argument->type == TYPE_SLOT) {
		*value = evaluation->slots[argument->index];
		evaluation->empty |= *value < 0;
		return *value < 0 ? -EBADF : 0;
	}
	*value = evaluation->results[argument->value];
	return *value == NO_RESULT ? -EINVAL : 0;
}

static int text(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length)
{
	const uint8_t *data = evaluation->program->data;
	const struct argument *parts = (const void *)(data + argument->value);
	char *start = (char *)evaluation->arena + evaluation->used, *to = start;
	for (uint32_t i = 0; i < argument->index; i++) {
		if (parts[i].type == TYPE_DATA) {
			memcpy(to, data + parts[i].value, parts[i].length);
			to += parts[i].length;
			continue;
		}
		int64_t number;
		int error = scalar(evaluation, &parts[i], &number);
		if (error < 0)
			return error;
		if (number < 0)
			*to++ = '-';
		to = put_number(to, number < 0 ? -(uint64_t)number : (uint64_t)number, 1);
	}
	*to = '\0';
	*length = (size_t)(to - start);
	*value = (uintptr_t)take(evaluation, *length + 1);
	return 0;
}

static int structure(struct evaluation *evaluation, const struct argument *argument, uint64_t *value)
{
	const struct patch *patch = (const void *)(evaluation->program->data + argument->value);
	uint8_t *copy = take(evaluation, argument->length);
	memcpy(copy, patch + argument->index, argument->length);
	for (uint32_t i = 0; i < argument->index; i++, patch++) {
		struct argument field = { patch->type, patch->index, patch->length, patch->value };
		uint64_t word;
		int error = argument_evaluate(evaluation, &field, &word, NULL);
		if (error < 0)
			return error;
		memcpy(copy + patch->offset, &word, patch->width);
	}
	*value = (uintptr_t)copy;
	return 0;
}

static int vector(struct evaluation *evaluation, const struct argument *argument, uint64_t *value)
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
	return 0;
}

int argument_evaluate(struct evaluation *evaluation, const struct argument *argument, uint64_t *value, size_t *length)
{
	size_t text_length;
	if (length == NULL)
		length = &text_length;
	*length = argument->length;
	*value = argument->value;
	switch ((enum argument_type)argument->type) {
	case TYPE_INT: return 0;
	case TYPE_SLOT:
	case TYPE_RESULT: return scalar(evaluation, argument, (int64_t *)value);
	case TYPE_VECTOR: return vector(evaluation, argument, value);
	case TYPE_STRUCT: return structure(evaluation, argument, value);
	case TYPE_TEXT: return text(evaluation, argument, value, length);
	case TYPE_DATA:
		*value += (uintptr_t)evaluation->program->data;
		return 0;
	case TYPE_OUT:
		*value += (uintptr_t)evaluation->output;
		return 0;
	default: return -EINVAL;
	}
}
