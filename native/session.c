/*
 * A session is one loop: requests are performed as they come, in order; FORKs and shims run beside it and are answered
 * when their processes end or speak. While nothing runs beside it, it waits in recv(), so a RUN costs two system calls
 * more than its operations.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "execute.h"
#include "launch.h"
#include "session.h"

enum { SOCKET = 3, MAX_PENDING = 1024, GRACE = 100 };

/*
 * Input and the frame of a RUN or FORK have address space for the largest ones from the start. Only KEPT bytes of it stay
 * in memory between requests.
 */
enum { KEPT = 64 << 10 };

/* The payload of RUN's and FORK's replies begins with this; results and output follow. */
struct frame {
	struct reply reply;
	uint32_t operations, output_length;
	int64_t space[];
};

enum { MAX_INPUT = sizeof(struct request) + MAX_REQUEST };
enum { MAX_FRAME = sizeof(struct frame) + MAX_OPERATIONS * sizeof(int64_t) + MAX_OUTPUT };

enum state {
	RUNNING,
	KILLED,   /* waits for its end for GRACE ms, so that who hears of it finds it gone */
	ANSWERED, /* didn't end: stuck in the kernel */
};

struct pending {
	uint64_t id, deadline; /* ms of CLOCK_MONOTONIC; 0: none */
	uint16_t kind, status; /* status, error: what it is answered with if it is killed */
	enum state state;
	uint32_t error;
	int fd;    /* becomes readable when there is something to answer: a FORK's pidfd, a shim's pipe */
	int pidfd; /* a shim's */
	int pid;   /* a FORK's, which is its process group too */
	struct frame *frame;
	size_t size;
};

struct session {
	struct context context;
	uint8_t *input;
	size_t have; /* bytes of it */
	struct frame *frame;
	int self;
	bool ended, gone; /* no more requests; nobody who wants replies */
	uint32_t count;
	struct pending pending[MAX_PENDING];
	struct pollfd polls[MAX_PENDING + 1];
};

static struct session session;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void *map(size_t size, int sharing)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* A first byte shall cost a page, not two megabytes. */
	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

/* Gives back what a large request or reply took. */
static void shrink(void *memory, size_t used)
{
	if (used > KEPT)
		madvise((uint8_t *)memory + KEPT, used - KEPT, MADV_DONTNEED);
}

static void send_all(const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	while (length > 0 && !session.gone) {
		ssize_t sent = send(SOCKET, from, length, MSG_NOSIGNAL);

		if (sent >= 0) {
			from += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){ SOCKET, POLLOUT, 0 }, 1, -1);
		} else if (errno != EINTR) {
			session.gone = true;
		}
	}
}

static void answer(uint64_t id, uint16_t kind, uint16_t status, uint32_t index, uint32_t error)
{
	struct reply reply = { .kind = kind, .status = status, .id = id, .index = index, .error = error };

	send_all(&reply, sizeof(reply));
}

static void answer_frame(struct frame *frame, uint64_t id, uint16_t kind, size_t size)
{
	frame->reply.length = (uint32_t)(size - sizeof(frame->reply));
	frame->reply.kind = kind;
	frame->reply.id = id;
	send_all(frame, size);
}

/* Performs a program into a frame: all of it but what answer_frame() fills in. */
static void perform(const struct program *program, struct frame *frame)
{
	struct outcome outcome;

	frame->operations = program->count;
	frame->output_length = program->output_length;
	program_run(program, &session.context, frame->space, &outcome);
	frame->reply.status = outcome.error == 0 ? STATUS_DONE : STATUS_FAILED;
	frame->reply.index = outcome.index;
	frame->reply.error = (uint32_t)outcome.error;
}

/* The context's hook: no process that the session starts keeps its socket open. */
static void leave_session(struct context *context)
{
	(void)context;
	close(SOCKET);
}

static void run(const struct request *request, const struct program *program)
{
	size_t size = sizeof(struct frame) + program_space(program);

	perform(program, session.frame);
	answer_frame(session.frame, request->id, REQUEST_RUN, size);
	shrink(session.frame, size);
}

static struct pending *pending_add(const struct request *request)
{
	struct pending *pending = &session.pending[session.count++];

	*pending = (struct pending){ .id = request->id, .kind = request->kind, .fd = -1, .pidfd = -1 };
	if (request->deadline > 0)
		pending->deadline = now() + request->deadline;
	return pending;
}

static void pending_remove(struct pending *pending)
{
	close(pending->fd);
	if (pending->pidfd >= 0)
		close(pending->pidfd);
	if (pending->frame != NULL)
		munmap(pending->frame, pending->size);
	*pending = session.pending[--session.count];
}

/* A FORK's process. Its frame is filled in private memory: children that it clones must not write into what is sent. */
static _Noreturn void forked(const struct program *program, struct frame *shared, size_t size)
{
	struct frame *frame = session.frame;

	setpgid(0, 0);
	leave_session(&session.context);
	for (uint32_t i = 0; i < session.count; i++) {
		close(session.pending[i].fd);
		if (session.pending[i].pidfd >= 0)
			close(session.pending[i].pidfd);
	}
	session.context.child = NULL;
	frame->reply.kind = 0;
	perform(program, frame);
	memcpy(shared, frame, size);
	/* Last: now it is whole, whatever kills this process. */
	__atomic_store_n(&shared->reply.kind, REQUEST_FORK, __ATOMIC_RELEASE);
	_exit(0);
}

static void do_fork(const struct request *request, const struct program *program)
{
	size_t size = sizeof(struct frame) + program_space(program);
	struct frame *frame = map(size, MAP_SHARED);
	struct pending *pending;
	int pidfd = -1, pid = -ENOMEM;

	if (frame != NULL)
		pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		forked(program, frame, size);
	if (pid < 0) {
		if (frame != NULL)
			munmap(frame, size);
		answer(request->id, REQUEST_FORK, STATUS_FAILED, NO_OPERATION, (uint32_t)-pid);
		return;
	}
	/* On both sides: whoever comes first, the group is there before anybody needs it. */
	setpgid(pid, pid);
	pending = pending_add(request);
	pending->fd = pidfd;
	pending->pid = pid;
	pending->frame = frame;
	pending->size = size;
}

static void do_shim(const struct request *request, const void *configuration)
{
	struct shim_process shim;
	struct pending *pending;
	int error = launch_shim(session.self, configuration, request->length, &shim);

	if (error < 0) {
		answer(request->id, REQUEST_SHIM, error == -EINVAL ? STATUS_MALFORMED : STATUS_FAILED, NO_OPERATION,
		       (uint32_t)-error);
		return;
	}
	pending = pending_add(request);
	pending->fd = shim.reply;
	pending->pidfd = shim.pidfd;
}

static void pending_kill(struct pending *pending, uint16_t status, uint32_t error)
{
	if (pending->kind == REQUEST_FORK)
		kill(-pending->pid, SIGKILL);
	else
		syscall(SYS_pidfd_send_signal, pending->pidfd, SIGKILL, NULL, 0);
	pending->state = KILLED;
	pending->status = status;
	pending->error = error;
	pending->deadline = now() + GRACE;
}

static void do_cancel(const struct request *request, const void *payload)
{
	uint64_t id;

	if (request->length != sizeof(id)) {
		answer(request->id, REQUEST_CANCEL, STATUS_MALFORMED, NO_OPERATION, EINVAL);
		return;
	}
	memcpy(&id, payload, sizeof(id));
	for (uint32_t i = 0; i < session.count; i++) {
		if (session.pending[i].id != id || session.pending[i].state != RUNNING)
			continue;
		pending_kill(&session.pending[i], STATUS_FAILED, ECANCELED);
		answer(request->id, REQUEST_CANCEL, STATUS_DONE, 0, 0);
		return;
	}
	answer(request->id, REQUEST_CANCEL, STATUS_FAILED, NO_OPERATION, ESRCH);
}

static void handle(const struct request *request, const void *payload)
{
	struct program program;
	uint32_t bad = NO_OPERATION;
	bool known = request->kind >= REQUEST_RUN && request->kind <= REQUEST_CANCEL;

	if (!known || request->flags != 0 || request->reserved != 0) {
		answer(request->id, request->kind, STATUS_MALFORMED, NO_OPERATION, EINVAL);
	} else if (request->kind == REQUEST_CANCEL) {
		do_cancel(request, payload);
	} else if (request->kind != REQUEST_RUN && session.count == MAX_PENDING) {
		answer(request->id, request->kind, STATUS_FAILED, NO_OPERATION, EAGAIN);
	} else if (request->kind == REQUEST_SHIM) {
		do_shim(request, payload);
	} else if (program_decode(payload, request->length, &program, &bad) < 0) {
		answer(request->id, request->kind, STATUS_MALFORMED, bad, EINVAL);
	} else if (request->kind == REQUEST_RUN) {
		run(request, &program);
	} else {
		do_fork(request, &program);
	}
}

/* What a killed or crashed process is answered with. */
static void answer_ended(const struct pending *pending)
{
	if (pending->state == RUNNING)
		answer(pending->id, pending->kind, STATUS_FAILED, NO_OPERATION, ECHILD);
	else if (pending->state == KILLED)
		answer(pending->id, pending->kind, pending->status, NO_OPERATION, pending->error);
}

static void fork_ended(struct pending *pending)
{
	while (waitpid(pending->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (pending->state == RUNNING && pending->frame->reply.kind == REQUEST_FORK)
		answer_frame(pending->frame, pending->id, REQUEST_FORK, pending->size);
	else
		answer_ended(pending);
}

static void shim_spoke(struct pending *pending)
{
	struct {
		struct reply reply;
		struct shim_reply payload;
	} message;
	ssize_t got;

	do
		got = read(pending->fd, &message, sizeof(message));
	while (got < 0 && errno == EINTR);
	if (got < (ssize_t)sizeof(message.reply) || pending->state != RUNNING) {
		answer_ended(pending);
		return;
	}
	message.reply.length = (uint32_t)((size_t)got - sizeof(message.reply));
	message.reply.kind = REQUEST_SHIM;
	message.reply.id = pending->id;
	send_all(&message, (size_t)got);
}

/* Answers what has ended and kills what has taken too long. */
static void serve_pending(void)
{
	uint64_t time = now();

	/* Downwards: removing puts the last, which was already looked at, into the gap. */
	for (uint32_t i = session.count; i-- > 0;) {
		struct pending *pending = &session.pending[i];

		if (session.polls[i + 1].revents != 0) {
			if (pending->kind == REQUEST_FORK)
				fork_ended(pending);
			else
				shim_spoke(pending);
			pending_remove(pending);
		} else if (pending->deadline != 0 && pending->deadline <= time) {
			if (pending->state == RUNNING) {
				pending_kill(pending, STATUS_DEADLINE, ETIMEDOUT);
			} else {
				answer_ended(pending);
				pending->state = ANSWERED;
				pending->deadline = 0;
			}
		}
	}
}

/* Waits until there is input or nothing is pending any more. */
static void wait_pending(void)
{
	for (;;) {
		uint64_t next = UINT64_MAX, time = now();
		int timeout = -1;

		for (uint32_t i = 0; i < session.count; i++) {
			struct pending *pending = &session.pending[i];

			session.polls[i + 1] = (struct pollfd){ pending->fd, POLLIN, 0 };
			if (pending->deadline != 0 && pending->deadline < next)
				next = pending->deadline;
		}
		session.polls[0] = (struct pollfd){ session.ended ? -1 : SOCKET, POLLIN, 0 };
		if (next != UINT64_MAX)
			timeout = next <= time ? 0 : next - time > INT32_MAX ? INT32_MAX : (int)(next - time);
		if (session.count == 0)
			return;
		if (poll(session.polls, session.count + 1, timeout) < 0)
			continue;
		serve_pending();
		if (session.polls[0].revents != 0)
			return;
	}
}

/* Reads until `size` bytes are there, and what comes along. False at the end of input. */
static bool receive(size_t size)
{
	size_t limit = size > KEPT ? size : KEPT;

	while (session.have < size) {
		ssize_t got;

		wait_pending();
		got = recv(SOCKET, session.input + session.have, limit - session.have,
			   session.count > 0 ? MSG_DONTWAIT : 0);
		if (got > 0)
			session.have += (size_t)got;
		else if (got < 0 && errno == EAGAIN && session.count == 0)
			poll(&(struct pollfd){ SOCKET, POLLIN, 0 }, 1, -1);
		else if (got == 0 || (errno != EINTR && errno != EAGAIN))
			return false;
	}
	return true;
}

/* Performs one request. False when there is none any more, or nothing sensible. */
static bool next_request(void)
{
	const struct request *request = (const struct request *)session.input;
	size_t size;

	if (!receive(sizeof(*request)) || request->length > MAX_REQUEST)
		return false;
	size = sizeof(*request) + request->length;
	if (!receive(size))
		return false;
	handle(request, request + 1);
	/* The next one must be aligned as well. Behind a large one nothing was read. */
	session.have -= size;
	memmove(session.input, session.input + size, session.have);
	shrink(session.input, size);
	return true;
}

int session_main(int self)
{
	context_init(&session.context);
	session.context.child = leave_session;
	session.self = self;
	session.input = map(MAX_INPUT, MAP_PRIVATE);
	session.frame = map(MAX_FRAME, MAP_PRIVATE);
	if (session.input == NULL || session.frame == NULL)
		return 1;

	while (next_request())
		;
	session.ended = true;
	wait_pending();
	return 0;
}
