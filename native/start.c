/* From a configuration to a running process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "execute.h"
#include "shim.h"
#include "wire.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

enum { CONFIGURATION_FD = 3, REPLY_FD = 4, FIRST_OTHER_FD = 5 };
enum { CONFIGURATION_MAGIC = 0x314d4853, MAX_CONFIGURATION = (64 << 20) + (1 << 16) };
enum { FLAG_TTY = 1, FLAG_OPEN_STDIN = 2, FLAG_STDIN_ONCE = 4 };
/* Where the set-up failed: the index in a reply that speaks of no operation. */
enum stage { STAGE_DIRECTORY = 0xfffffff0, STAGE_SOCKET, STAGE_PID_FILE, STAGE_LOG, STAGE_STREAMS, STAGE_TERMINAL };

struct configuration {
	uint32_t magic, flags, expected;
	uint16_t rows, columns;
	uint64_t log_limit;
	uint32_t log_files, reserved;
};
_Static_assert(sizeof(struct configuration) == 32, "configuration");

int write_file(const char *name, const char *content)
{
	int fd = openat(shim.directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t length = (ssize_t) strlen(content), n;
	int error;

	if (fd < 0)
		return -errno;
	n = write(fd, content, (size_t)length);
	error = n == length ? 0 : n < 0 ? -errno : -ENOSPC;
	close(fd);
	return error;
}

static int open_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int error;

	/* The way by the descriptor is short enough for any directory. */
	put_text(put_number(put_text(address.sun_path, "/proc/self/fd/"), (uint64_t)shim.directory), "/shim.sock");
	shim.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (shim.listener < 0)
		return -errno;
	unlinkat(shim.directory, "shim.sock", 0);
	mask = umask(0177);
	error = bind(shim.listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(shim.listener, MAX_CLIENTS) < 0;
	error = error ? -errno : 0;
	umask(mask);
	return error;
}

/* The container's ends go into the slots, ours into the streams. */
static int open_streams(uint32_t flags)
{
	int *slots = shim.context->slots, ends[2];

	shim.tty = flags & FLAG_TTY;
	shim.input.tty = shim.tty;
	shim.input.once = flags & FLAG_STDIN_ONCE;
	shim.input.open = flags & FLAG_OPEN_STDIN;
	shim.input.full = true;
	for (int i = 0; i < (shim.tty ? 1 : 2); i++) {
		shim.streams[i].data = map_memory(LINE_SIZE + READ_SIZE);
		if (!shim.streams[i].data)
			return -ENOMEM;
	}
	if (shim.tty || !shim.input.open) {
		slots[0] = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (slots[0] < 0)
			return -errno;
	} else {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		slots[0] = ends[0];
		shim.input.fd = ends[1];
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
	}
	for (int i = 0; !shim.tty && i < 2; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		slots[1 + i] = ends[1];
		shim.streams[i].fd = ends[0];
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

/* A process may close its terminal and open it again later, as systemd does with its console. While we hold the other
 * side open that isn't the end. */
static void open_peer(void)
{
	int master = shim.context->slots[SLOT_MASTER];

	if (shim.tty && master >= 0 && shim.peer < 0)
		shim.peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int take_terminal(void)
{
	int master = shim.context->slots[SLOT_MASTER];

	if (!shim.tty)
		return 0;
	if (master < 0)
		return -EBADF;
	open_peer();
	shim.context->slots[SLOT_MASTER] = -1;
	shim.streams[0].fd = shim.input.fd = master;
	fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
	return 0;
}

static int on_process(struct context *context, int pid, int pidfd)
{
	int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);

	(void)context;
	if (copy < 0)
		return -errno;
	if (shim.pidfd >= 0)
		close(shim.pidfd);
	shim.pidfd = copy;
	shim.pid = pid;
	/* Usually the process waits for us now, so it finds its terminal as it should be. */
	apply_size();
	open_peer();
	return 0;
}

static int on_hold(struct context *context)
{
	(void)context;
	apply_size();
	change_phase(PHASE_HELD);
	while (!shim.go)
		step();
	shim.go = false;
	change_phase(PHASE_STARTING);
	return 0;
}

/* What enters a container has nothing of the shim's, not even before it executes something: a process that is inside
 * already could reach it through /proc/PID/fd. */
static void on_child(struct context *context)
{
	const int own[] = { shim.directory, shim.listener, shim.pidfd, shim.peer, REPLY_FD,
			    shim.input.fd, shim.streams[0].fd, shim.streams[1].fd };
	static bool left;

	(void)context;
	/* A child's child has nothing of ours any more: the numbers are somebody else's by then. */
	if (left)
		return;
	left = true;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] >= 0)
			close(own[i]);
	for (uint32_t i = 0; i < shim.client_count; i++)
		close(clients[i].fd);
	log_close();
}

static void answer(uint16_t status, uint32_t index, int error)
{
	struct {
		struct reply reply;
		struct shim_reply payload;
	} message = {
		{ .length = sizeof(struct shim_reply), .kind = REQUEST_SHIM, .status = status, .index = index,
		  .error = (uint32_t)error },
		{ .pid = status == STATUS_DONE ? shim.pid : 0, .started = status == STATUS_DONE ? shim.started : 0 },
	};
	ssize_t n = write(REPLY_FD, &message, sizeof(message));

	/* If the engine has died in the meantime, the next one asks the socket. */
	(void)n;
	close(REPLY_FD);
}

void remove_traces(void)
{
	unlinkat(shim.directory, "shim.sock", 0);
	unlinkat(shim.directory, "shim.pid", 0);
}

static int fail(uint16_t status, uint32_t index, int error)
{
	/* When the program was done already. */
	if (shim.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, shim.pidfd, SIGKILL, NULL, 0);
	if (shim.directory >= 0)
		remove_traces();
	answer(status, index, error < 0 ? -error : error);
	return 1;
}

/* The next string of the configuration, or NULL. AT is moved on to what follows. */
static const char *next_string(const uint8_t *bytes, size_t size, size_t *at)
{
	const char *text = (const char *)bytes + *at + 4;
	uint32_t length;

	if (size - *at < 5)
		return NULL;
	memcpy(&length, bytes + *at, 4);
	if (length > size - *at - 5 || text[length] != '\0' || memchr(text, '\0', length))
		return NULL;
	*at += ((size_t)length + 5 + 3) & ~(size_t)3;
	return *at <= size ? text : NULL;
}

struct parts {
	struct configuration configuration;
	const char *id, *directory, *log;
	struct program program;
};

/* Returns whether the bytes are a configuration; what is wrong with its program is in BAD. */
static bool parse(const uint8_t *bytes, size_t size, struct parts *parts, uint32_t *bad)
{
	size_t at = sizeof(parts->configuration);

	*bad = NO_OPERATION;
	if (size < at)
		return false;
	memcpy(&parts->configuration, bytes, at);
	if (parts->configuration.magic != CONFIGURATION_MAGIC || parts->configuration.log_files == 0)
		return false;
	parts->id = next_string(bytes, size, &at);
	parts->directory = parts->id ? next_string(bytes, size, &at) : NULL;
	parts->log = parts->directory ? next_string(bytes, size, &at) : NULL;
	at = (at + 7) & ~(size_t)7;
	if (!parts->log || at > size)
		return false;
	return program_decode(bytes + at, size - at, &parts->program, bad) == 0 && parts->program.slots >= 3;
}

/* The bytes may not change under us, so they must be sealed. */
static const uint8_t *map_configuration(size_t *size)
{
	struct stat status;
	int seals = fcntl(CONFIGURATION_FD, F_GET_SEALS);
	void *bytes;

	if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK) ||
	    fstat(CONFIGURATION_FD, &status) < 0 || status.st_size <= 0 || status.st_size > MAX_CONFIGURATION)
		return NULL;
	*size = (size_t)status.st_size;
	bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, CONFIGURATION_FD, 0);
	close(CONFIGURATION_FD);
	return bytes == MAP_FAILED ? NULL : bytes;
}

/* Children that only helped with the start end by themselves; nobody asks how. */
void reap_helpers(void)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid > 0 && info.si_pid != shim.pid) {
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | __WALL);
		info.si_pid = 0;
	}
}

/* What it needs is mapped and gone again afterwards: the shim stays for as long as the container does. */
int start(void)
{
	size_t size = 0, space;
	const uint8_t *bytes = map_configuration(&size);
	struct parts parts;
	struct outcome outcome;
	uint32_t bad = NO_OPERATION;
	char pid[24];
	int error;

	fcntl(REPLY_FD, F_SETFD, FD_CLOEXEC);
	if (!bytes || !parse(bytes, size, &parts, &bad))
		return fail(STATUS_MALFORMED, bad, EINVAL);
	shim.rows = parts.configuration.rows;
	shim.columns = parts.configuration.columns;
	shim.expected = parts.configuration.expected;

	shim.directory = open(parts.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (shim.directory < 0)
		return fail(STATUS_FAILED, STAGE_DIRECTORY, errno);
	space = sizeof(struct context) + program_space(&parts.program);
	shim.context = (struct context *)(void *)map_memory(space);
	if (!shim.context)
		return fail(STATUS_FAILED, STAGE_STREAMS, ENOMEM);
	context_init(shim.context);
	shim.context->process = on_process;
	shim.context->hold = on_hold;
	shim.context->child = on_child;
	error = log_open(parts.log, parts.configuration.log_limit, parts.configuration.log_files);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_LOG, error);
	error = open_streams(parts.configuration.flags);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_STREAMS, error);
	put_text(put_number(pid, (uint64_t)getpid()), "\n");
	error = write_file("shim.pid", pid);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_PID_FILE, error);
	error = open_socket();
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_SOCKET, error);

	error = program_run(&parts.program, shim.context, shim.context + 1, &outcome);
	if (error < 0)
		return fail(STATUS_FAILED, outcome.index, outcome.error);
	if (shim.pidfd < 0)
		return fail(STATUS_MALFORMED, NO_OPERATION, EINVAL);
	apply_size();
	error = take_terminal();
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_TERMINAL, error);
	context_close(shim.context, 0);
	munmap(shim.context, space);
	shim.context = NULL;
	munmap((void *)(uintptr_t)bytes, size);
	reap_helpers();
	shim.started = (uint64_t)clock_now(CLOCK_REALTIME);
	answer(STATUS_DONE, 0, 0);
	return 0;
}
