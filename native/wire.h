/* The formats of PROTOCOL.md. Everything is little-endian, and so are the architectures
 * that this is built for: the structures are laid over the bytes as they arrived. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || UINTPTR_MAX != UINT64_MAX
#error "only 64-bit little-endian machines"
#endif

enum {
	PROGRAM_MAGIC = 0x314e5343,
	SHIM_MAGIC = 0x314d4853,
	MAX_OPERATIONS = 1000000,
	MAX_SLOTS = 1024,
	MAX_OUTPUT = 16 << 20,
	MAX_ARGUMENTS = 6,
	MAX_PASSED = 250, /* the kernel's own limit for SCM_RIGHTS is 253 */
	MAX_STRUCT_DEPTH = 4,
	MAX_ARENA = 16 << 20, /* what the copies, texts and vectors of one operation may take */
	MAX_REQUEST = 64 << 20,
	MAX_ERRNO = 4095,
	MALFORMED = 4096, /* an errno of our own */
	NO_SLOT = 0xffff,
};

#define NO_OPERATION UINT32_MAX /* the index of a reply that speaks of no operation */
#define NO_RESULT INT64_MIN     /* the result of an operation that was skipped or not reached */

enum operation_kind {
	KIND_SYSCALL, KIND_CLONE, KIND_AWAIT, KIND_SYNC, KIND_PASS, KIND_TAKE, KIND_CLOSE, KIND_WRITE, KIND_READ,
	KIND_COMPARE, KIND_SKIP, KIND_FAIL, KIND_EXIT, KIND_REMOVE, KIND_PROCESS, KIND_HOLD,
	KIND_KEEP, KIND_NETLINK, KIND_COMPANION, KINDS,
};
enum operation_flag { FLAG_OPTIONAL = 1, FLAG_TOLERATE_ANY = 2 };
enum argument_type { TYPE_INT, TYPE_SLOT, TYPE_DATA, TYPE_OUT, TYPE_RESULT, TYPE_STRUCT = 6, TYPE_TEXT, TYPES };
#define CLONE_BORROWED UINT64_C(0x4100) /* CLONE_VM | CLONE_VFORK */
enum skip_condition { SKIP_LESS = 1, SKIP_EQUAL = 2, SKIP_GREATER = 4 };
enum await_mode { AWAIT_SYNC = 1, AWAIT_END = 2 };

struct program_header {
	uint32_t magic, length, operations, slots, data_offset, data_length, output_length, reserved;
};

/* Also the layout of a part of a TEXT. */
struct argument {
	uint16_t type, index;
	uint32_t length;
	uint64_t value;
};

struct patch {
	uint32_t offset;
	uint8_t width, type;
	uint16_t index;
	uint32_t length, value;
};

struct operation {
	uint16_t kind, flags;
	uint32_t number;
	uint16_t result, arguments;
	uint16_t tolerate[4];
	uint32_t reserved;
	struct argument argument[MAX_ARGUMENTS];
};

/* What the two ends of a CLONE's channel say to each other. */
enum message_type { MESSAGE_SYNC = 1, MESSAGE_ERROR, MESSAGE_FDS };

struct message {
	uint32_t type, index, error, count;
	int64_t value;
};

enum request_kind { REQUEST_RUN = 1 };
/* What KEEP names is closed last, or as soon as the process has exited. */
enum keep_until { KEEP_LAST, KEEP_EXIT };

enum reply_status { STATUS_DONE, STATUS_FAILED, STATUS_MALFORMED };

struct request {
	uint32_t length;
	uint16_t kind, flags;
	uint64_t id, reserved;
};

struct reply {
	uint32_t length;
	uint16_t kind, status;
	uint64_t id;
	uint32_t index, error;
};

/* Where a shim's clients come, what they say, the beginning of its configuration, and what it answers. */
enum { SHIM_LISTENER = 3, SHIM_VERSION = 1 };
enum client_kind { CLIENT_NEW, CLIENT_CONTROL, CLIENT_ATTACH, CLIENT_START };
enum client_flag { ATTACH_STDIN = 1, ATTACH_STDOUT = 2, ATTACH_STDERR = 4 };
enum control { CONTROL_SIGNAL = 1, CONTROL_RESIZE, CONTROL_CLOSE_STDIN, CONTROL_ROTATE, CONTROL_GO, CONTROL_EXPECT };
enum shim_flag { SHIM_TTY = 1, SHIM_OPEN_STDIN = 2, SHIM_STDIN_ONCE = 4, SHIM_LOG_KEEP = 8, SHIM_LOG_IMPATIENT = 16 };

struct shim_configuration {
	uint32_t magic, flags, expected;
	uint16_t rows, columns;
	uint64_t log_limit;
	uint32_t log_files, pipe_size, deadline, reserved;
};

/* A hello, or an order on a control connection: `kind` is a client's or an order's. */
struct shim_message {
	uint8_t kind, flags, zeros[2];
	uint32_t number;
};

enum shim_phase { PHASE_STARTING, PHASE_HELD, PHASE_RUNNING, PHASE_EXITED, PHASE_FAILED };

struct shim_state {
	uint32_t length;
	uint16_t type, zero;
	uint8_t phase, version, zeros[2];
	int32_t pid, code, signal;
	uint64_t started, finished;
	uint32_t index, error;
};

_Static_assert(sizeof(struct program_header) == 32 && sizeof(struct operation) == 120, "program");
_Static_assert(sizeof(struct argument) == 16 && sizeof(struct patch) == 16, "argument, patch");
_Static_assert(sizeof(struct message) == 24 && sizeof(struct request) == 24 && sizeof(struct reply) == 24, "messages");
_Static_assert(sizeof(struct shim_configuration) == 40 && sizeof(struct shim_message) == 8, "shim");
_Static_assert(sizeof(struct shim_state) == 48, "shim");

/* A program whose header is well-formed. It points into the bytes as they came; they must outlive it. */
struct program {
	const struct operation *operations;
	const uint8_t *data;
	uint32_t count, slots, data_length, output_length;
};

/* Finds out what is where in the `length` bytes at `bytes` (8-aligned). -EINVAL: that is no program. */
int program_open(const void *bytes, size_t length, struct program *program);

/* Bytes of results and output together: what program_run() fills. */
static inline size_t program_space(const struct program *program)
{
	return (size_t)program->count * sizeof(int64_t) + program->output_length;
}

/* The string of a shim's configuration at `at`, which moves on to what follows; NULL if there is none. */
const char *configuration_string(const void *bytes, size_t size, size_t *at);
