/* Starting a shim from a session: a new process, or the one that waits for work. */
#include <linux/close_range.h>
#include <sched.h>

#include "execute.h"

enum { STACK = 16 << 10 };

struct launch {
	int self, configuration, reply; /* reply: -1 while there is nobody to hear of it */
	const char *id;
	int pidfd, error;
};

/* A shim that has been executed and waits for its configuration on the other end of `socket`. */
static struct spare {
	int socket, pidfd;
} spare = { -1, -1 };

/* In the shim's process, until it executes in the session's memory: its descriptors shall be 0 to 4 and no others. */
static int become_shim(void *argument)
{
	const struct launch *launch = argument;
	char name[] = "caisson-shim", *argv[] = { name, (char *)(uintptr_t)launch->id, NULL }, *envp[] = { NULL };
	/* Out of the way of 3 and 4, whatever numbers they have. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), self = fcntl(launch->self, F_DUPFD_CLOEXEC, 10);
	int configuration = fcntl(launch->configuration, F_DUPFD_CLOEXEC, 10);
	int report = fcntl(launch->reply < 0 ? null : launch->reply, F_DUPFD_CLOEXEC, 10);

	if (null >= 0 && self >= 0 && configuration >= 0 && report >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 &&
	    dup2(null, 2) >= 0 && dup2(configuration, SHIM_CONFIGURATION) >= 0 && dup2(report, SHIM_REPLY) >= 0) {
		syscall(SYS_close_range, SHIM_REPLY + 1, ~0U, CLOSE_RANGE_CLOEXEC);
		syscall(SYS_execveat, self, "", argv, envp, AT_EMPTY_PATH);
	}
	struct reply reply = {
		.kind = REQUEST_SHIM, .status = STATUS_FAILED, .index = NO_OPERATION, .error = (uint32_t)errno,
	};
	/* When this fails too, the session sees the pipe's end. */
	return write(report, &reply, sizeof(reply)) < 0 ? 126 : 127;
}

/* The process in between, gone at once, so that the shim belongs to init. It shares the session's descriptors, which is
 * how the session gets the pidfd of a process that isn't its child. Both share its memory while it waits for them
 * (vfork): copying even this small address space takes ten times as long. */
static int between(void *argument)
{
	static _Alignas(16) uint8_t stack[STACK];
	struct launch *launch = argument;
	setsid();
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	if (clone(become_shim, stack + STACK, flags, launch, &launch->pidfd) < 0)
		launch->error = errno;
	return 0;
}

static int double_fork(struct launch *launch)
{
	static _Alignas(16) uint8_t stack[STACK];
	int pid = clone(between, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, launch);
	if (pid < 0)
		return -errno;
	RETRY(waitpid(pid, NULL, 0));
	return -launch->error;
}

void launch_spare(int self)
{
	/* Room for an id, which takes its place. */
	static const char title[] = "spare                                                           ";
	struct launch launch = { .self = self, .reply = -1, .id = title, .pidfd = -1 };
	int ends[2];
	if (spare.socket >= 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	launch.configuration = ends[1];
	int error = double_fork(&launch);
	close(ends[1]);
	if (error == 0)
		spare = (struct spare){ ends[0], launch.pidfd };
	else
		close(ends[0]);
}

void spare_forget(void)
{
	if (spare.socket >= 0)
		close(spare.socket);
	if (spare.pidfd >= 0)
		close(spare.pidfd);
	spare = (struct spare){ -1, -1 };
}

/* Without one, or if somebody has killed it, there will be a new process. */
static bool hand_to_spare(struct launch *launch)
{
	const struct message message = { .type = MESSAGE_FDS, .count = 2 };
	const int descriptors[] = { launch->configuration, launch->reply };
	struct outcome ignored;
	if (spare.socket < 0)
		return false;
	bool handed = channel_send(spare.socket, &message, descriptors, &ignored) == 0;
	if (handed) {
		launch->pidfd = spare.pidfd;
		spare.pidfd = -1;
	}
	spare_forget();
	return handed;
}

int launch_shim(int self, const void *configuration, size_t length, int *pidfd)
{
	const struct shim_configuration *header = configuration;
	struct launch launch = { .self = self, .pidfd = -1 };
	size_t at = sizeof(*header);
	int ends[2];
	if (length >= at && header->magic == SHIM_MAGIC)
		launch.id = configuration_string(configuration, length, &at);
	if (launch.id == NULL)
		return -EINVAL;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	launch.reply = ends[1];
	launch.configuration = memfd_sealed("caisson-shim", configuration, length);
	int error = launch.configuration < 0 ? launch.configuration : 0;
	if (error == 0 && !hand_to_spare(&launch))
		error = double_fork(&launch);
	close(launch.configuration);
	close(ends[1]);
	*pidfd = launch.pidfd;
	if (error == 0)
		return ends[0];
	close(ends[0]);
	return error;
}
