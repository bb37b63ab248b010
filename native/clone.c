/* The processes of a program: how they begin, and how they end when it fails. */
#include <sched.h>

#include <linux/sched.h>

#include "execute.h"

enum { STACK = 64 << 10, MAX_CHILDREN = 16384 };

static struct {
	int pid, pidfd;
	bool accompanies;
} children[MAX_CHILDREN];
static uint32_t child_count;

void signals_reset(uint64_t signals)
{
	/* The kernel's own structure and call: libc hides the signals that it keeps for itself. */
	static const uint64_t initial[4];

	for (int signal = 1; signals != 0; signal++, signals >>= 1)
		if (signals & 1)
			syscall(SYS_rt_sigaction, signal, initial, NULL, sizeof(uint64_t));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, initial, NULL, sizeof(uint64_t));
}

int process_clone(uint64_t flags, int cgroup, int *pidfd)
{
	struct clone_args arguments = {
		.flags = flags | CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)pidfd,
		/* With CLONE_PARENT its parent is ours, who hears of its end as of ours. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	return pid < 0 ? -errno : (int)pid;
}

void children_forget(enum forgetting forgetting)
{
	uint32_t kept = 0;
	siginfo_t info;
	for (uint32_t i = 0; i < child_count && forgetting == END_ALL; i++)
		syscall(SYS_pidfd_send_signal, children[i].pidfd, SIGKILL, NULL, 0);
	for (uint32_t i = 0; i < child_count; i++) {
		if (forgetting == FORGET_OTHERS && children[i].accompanies) {
			children[kept++] = children[i];
			continue;
		}
		if (forgetting == END_ALL)
			RETRY(waitid(P_PIDFD, (id_t)children[i].pidfd, &info, WEXITED | __WALL));
		close(children[i].pidfd);
	}
	child_count = kept;
}

void child_accompany(int pid)
{
	for (uint32_t i = child_count; i-- > 0;)
		if (children[i].pid == pid) {
			children[i].accompanies = true;
			return;
		}
}

/* The child's side of CLONE: from here on this process performs the body and nothing else. */
static void enter_body(struct run *run, const struct operation *operation, int channel)
{
	struct context *context = run->context;
	run->body = true;
	run->channel = (uint16_t)run->value[2];
	run->next = run->index + 1;
	run->end = run->next + operation->number;
	/* What sessions and shims ignore. All others are the default: sixty calls are a tenth of a clone. */
	signals_reset(SIGNAL(SIGHUP) | SIGNAL(SIGINT) | SIGNAL(SIGTERM) | SIGNAL(SIGPIPE));
	slot_set(context, run->channel, channel);
}

struct borrower {
	const struct run *run;
	const struct operation *operation;
	int ends[2];
};

/* The memory is the parent's, who waits: what the body changes of it is a copy. Descriptors are the child's own, and
 * those that it has no business with are closed when it executes its program. */
static int borrow(void *argument)
{
	static struct context context;
	const struct borrower *borrower = argument;
	struct run run = *borrower->run;
	context = *run.context;
	run.borrows = true;
	run.context = &context;
	run.evaluation.slots = context.slots;
	close(borrower->ends[0]);
	enter_body(&run, borrower->operation, borrower->ends[1]);
	run_borrowed_body(&run);
}

static int clone_borrowed(struct run *run, const struct operation *operation, const int ends[2], int *pidfd)
{
	static _Alignas(16) uint8_t stack[STACK];
	struct borrower borrower = { run, operation, { ends[0], ends[1] } };
	int pid = clone(borrow, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &borrower, pidfd);
	if (pid < 0)
		return -errno;
	/* What the body's operations resulted in stays its own. */
	for (uint32_t i = 0; i < operation->number; i++)
		run->evaluation.results[run->index + 1 + i] = NO_RESULT;
	return pid;
}

int run_clone(struct run *run, const struct operation *operation, int64_t *result)
{
	/* The namespaces, CLONE_PARENT, CLONE_CLEAR_SIGHAND, and the two that are set as needed in any case. Whatever else
	 * clone3 knows would share more. */
	const uint64_t allowed = CLONE_NEWNS | CLONE_NEWTIME | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				 CLONE_NEWPID | CLONE_NEWNET | CLONE_PARENT | CLONE_CLEAR_SIGHAND | CLONE_PIDFD | CLONE_INTO_CGROUP;
	struct context *context = run->context;
	uint32_t slots = run->evaluation.program->slots;
	int cgroup = operation->argument[3].type == TYPE_SLOT ? (int)run->value[3] : -1;
	bool wanted = run->value[1] != NO_SLOT, borrowed = run->value[0] == CLONE_BORROWED;
	int pidfd = -1, ends[2];
	/* There is but one stack for those that have their parent's memory. */
	for (uint32_t i = 1; i <= operation->number && borrowed; i++)
		if (operation[i].kind == KIND_CLONE)
			return -MALFORMED;
	if ((borrowed ? cgroup >= 0 : (run->value[0] & ~allowed) != 0) || run->value[2] >= slots ||
	    (wanted && (run->value[1] >= slots || run->value[1] == run->value[2])))
		return -MALFORMED;
	run->next += operation->number;
	slot_set(context, (uint32_t)run->value[2], -1);
	if (wanted)
		slot_set(context, (uint32_t)run->value[1], -1);
	if (child_count == MAX_CHILDREN)
		return -EAGAIN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	int pid = borrowed ? clone_borrowed(run, operation, ends, &pidfd) :
			     process_clone(run->value[0] & ~CLONE_INTO_CGROUP, cgroup, &pidfd);
	if (pid == 0) {
		close(ends[0]);
		enter_body(run, operation, ends[1]);
		children_forget(FORGET_ALL);
		if (context->child != NULL)
			context->child();
		return 0;
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	children[child_count].pid = pid;
	children[child_count].accompanies = false;
	children[child_count++].pidfd = pidfd;
	/* A copy: the program may close the one in its slot. */
	int copy = wanted ? fcntl(pidfd, F_DUPFD_CLOEXEC, 3) : -1;
	if (wanted)
		slot_set(context, (uint32_t)run->value[1], copy);
	slot_set(context, (uint32_t)run->value[2], ends[0]);
	*result = pid;
	return wanted && copy < 0 ? -EMFILE : 0;
}

_Noreturn void run_fail_body(struct run *run, struct outcome outcome)
{
	struct message message = { .type = MESSAGE_ERROR, .index = outcome.index, .error = (uint32_t)outcome.error };
	int channel = run->context->slots[run->channel];
	struct outcome ignored;
	/* First, so that whoever hears of it finds nothing of the body that is still doing something. */
	if (!run->borrows)
		children_forget(END_ALL);
	int error = channel >= 0 ? channel_send(channel, &message, NULL, &ignored) : 0;
	/* A seccomp filter of the body may not let it send, but hardly any forbids this. */
	ssize_t written = error < 0 && error != -EPIPE ? write(channel, &message, sizeof(message)) : 0;
	(void)written;
	_exit(127);
}
