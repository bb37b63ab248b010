#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "memfd.h"

enum { STACK = 16 << 10 };

struct launch {
	int self, configuration, reply;
	char *id;
	int pidfd, error;
};

/* In the shim's process, until it executes in the session's memory: its descriptors shall be 0 to 4 and no others. */
static int become_shim(void *argument)
{
	const struct launch *launch = argument;
	char name[] = "caisson-shim", *argv[] = { name, launch->id, NULL }, *envp[] = { NULL };
	struct reply reply = { .kind = REQUEST_SHIM, .status = STATUS_FAILED, .index = NO_OPERATION };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Out of the way of 3 and 4, whatever numbers they have. */
	int configuration = fcntl(launch->configuration, F_DUPFD_CLOEXEC, 10);
	int report = fcntl(launch->reply, F_DUPFD_CLOEXEC, 10);
	int self = fcntl(launch->self, F_DUPFD_CLOEXEC, 10);

	if (null >= 0 && configuration >= 0 && report >= 0 && self >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 &&
	    dup2(null, 2) >= 0 && dup2(configuration, SHIM_CONFIGURATION) >= 0 && dup2(report, SHIM_REPLY) >= 0) {
		syscall(SYS_close_range, SHIM_REPLY + 1, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
		syscall(SYS_execveat, self, "", argv, envp, AT_EMPTY_PATH);
	}
	reply.error = (uint32_t)errno;
	/* When this fails too, the session sees the pipe's end. */
	return write(report, &reply, sizeof(reply)) < 0 ? 126 : 127;
}

/*
 * The process in between, gone at once, so that the shim belongs to init. It shares the session's descriptors, which is
 * how the session gets the pidfd of a process that isn't its child. Both share its memory while it waits for them
 * (vfork): copying even this small address space takes ten times as long.
 */
static int between(void *argument)
{
	static _Alignas(16) uint8_t stack[STACK];
	struct launch *launch = argument;

	setsid();
	if (clone(become_shim, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, launch,
		  &launch->pidfd) < 0)
		launch->error = errno;
	return 0;
}

static int double_fork(struct launch *launch)
{
	static _Alignas(16) uint8_t stack[STACK];
	int pid = clone(between, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, launch);

	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -launch->error;
}

int launch_shim(int self, const void *configuration, size_t length, struct shim_process *shim)
{
	const struct shim_header *header = configuration;
	struct launch launch = { .self = self, .pidfd = -1 };
	int ends[2], error;

	if (length < sizeof(*header) || header->magic != SHIM_MAGIC || header->id_length >= length - sizeof(*header) ||
	    header->id[header->id_length] != '\0')
		return -EINVAL;
	launch.id = (char *)header->id;
	launch.configuration = memfd_sealed("caisson-shim", configuration, length);
	if (launch.configuration < 0)
		return launch.configuration;
	error = pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	if (error == 0) {
		launch.reply = ends[1];
		error = double_fork(&launch);
		close(ends[1]);
		if (error < 0)
			close(ends[0]);
	}
	close(launch.configuration);
	*shim = (struct shim_process){ launch.pidfd, ends[0] };
	return error;
}
