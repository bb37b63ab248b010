/* A session is one loop: requests are performed as they come, in order; FORKs and shims run beside it and are answered
 * when their processes end or speak. While nothing runs beside it, it waits in recv(), so a RUN costs two system calls
 * more than its operations. */
#include "execute.h"

/* Input and frame have address space for the largest ones. KEPT bytes of it stay in memory between requests. */
enum { SOCKET = 3, MAX_PENDING = 16384, GRACE = 100, KEPT = 64 << 10, LULL = 1 };

/* The reply to RUN and FORK; results and output follow. */
struct frame {
	struct reply reply;
	uint32_t operations, output_length;
	int64_t space[];
};

enum {
	MAX_INPUT = sizeof(struct request) + MAX_REQUEST,
	MAX_FRAME = sizeof(struct frame) + MAX_OPERATIONS * sizeof(int64_t) + MAX_OUTPUT,
};

enum state {
	RUNNING,
	FOLLOWED, /* a shim whose program is done: it will tell of the exit */
	KILLED,   /* waits for its end for GRACE ms, so that who hears of it finds it gone */
	ANSWERED, /* didn't end: stuck in the kernel */
};

struct pending {
	uint64_t id, deadline; /* ms of CLOCK_MONOTONIC; 0: none */
	uint16_t kind, status; /* status, error: what it is answered with unless it speaks for itself */
	enum state state;
	uint32_t error;
	int fd;    /* becomes readable when there is something to answer: a FORK's pidfd, a shim's pipe */
	int pidfd; /* a shim's, or -1 */
	int pid;   /* a FORK's, which is its process group too */
	struct frame *frame;
	size_t size;
};

static struct session {
	struct context context;
	uint8_t *input;
	size_t have; /* bytes of it */
	struct frame *frame;
	int self;
	bool ended, gone; /* no more requests; nobody who wants replies */
	bool wants_spare; /* a shim was started and has begun its work: the next lull is the time to have one ready */
	uint32_t count;
	struct pending pending[MAX_PENDING];
	struct pollfd polls[MAX_PENDING + 1];
} session;

static uint64_t now(void)
{
	return (uint64_t)clock_now(CLOCK_MONOTONIC) / 1000000;
}

/* Completes a reply, of which `size` bytes are there, and sends it. */
static void send_reply(struct reply *reply, uint64_t id, uint16_t kind, size_t size)
{
	reply->length = (uint32_t)(size - sizeof(*reply));
	reply->kind = kind;
	reply->id = id;
	for (const uint8_t *from = (const uint8_t *)reply; size > 0 && !session.gone;) {
		ssize_t sent = RETRY(send(SOCKET, from, size, MSG_NOSIGNAL));
		session.gone = sent < 0;
		from += sent > 0 ? sent : 0;
		size -= sent > 0 ? (size_t)sent : 0;
	}
}

static void answer(uint64_t id, uint16_t kind, uint16_t status, uint32_t index, uint32_t error)
{
	struct reply reply = { .status = status, .index = index, .error = error };
	send_reply(&reply, id, kind, sizeof(reply));
}

/* Performs a program into a frame: all of it but what send_reply() fills in. */
static void perform(const struct program *program, struct frame *frame)
{
	struct outcome outcome = program_run(program, &session.context, frame->space);
	frame->operations = program->count;
	frame->output_length = program->output_length;
	frame->reply.status = outcome.error == 0 ? STATUS_DONE : STATUS_FAILED;
	frame->reply.index = outcome.index;
	frame->reply.error = (uint32_t)outcome.error;
}

/* The context's hook: no process that the session starts keeps its socket open. */
static void leave_session(void)
{
	close(SOCKET);
	spare_forget();
}

static int do_run(const struct request *request, const struct program *program)
{
	size_t size = sizeof(struct frame) + program_space(program);
	perform(program, session.frame);
	send_reply(&session.frame->reply, request->id, REQUEST_RUN, size);
	give_back(session.frame, KEPT, size);
	return 0;
}

/* Adds what `like` says of it; what kills it without a word is ECHILD. */
static void pending_add(const struct request *request, const struct pending *like)
{
	struct pending *pending = &session.pending[session.count++];
	*pending = *like;
	pending->id = request->id;
	pending->kind = request->kind;
	pending->deadline = request->deadline > 0 ? now() + request->deadline : 0;
	pending->status = STATUS_FAILED;
	pending->error = ECHILD;
}

static void pending_close(const struct pending *pending)
{
	close(pending->fd);
	if (pending->pidfd >= 0)
		close(pending->pidfd);
}

static void pending_remove(struct pending *pending)
{
	pending_close(pending);
	if (pending->frame != NULL)
		munmap(pending->frame, pending->size);
	*pending = session.pending[--session.count];
}

/* A FORK's process. Its frame is filled in private memory: children that it clones must not write into what is sent. */
static _Noreturn void forked(const struct program *program, struct frame *shared, size_t size)
{
	struct frame *frame = session.frame;
	setpgid(0, 0);
	leave_session();
	for (uint32_t i = 0; i < session.count; i++)
		pending_close(&session.pending[i]);
	session.context.child = NULL;
	frame->reply.kind = 0;
	perform(program, frame);
	memcpy(shared, frame, size);
	/* Last: now it is whole, whatever kills this process. */
	__atomic_store_n(&shared->reply.kind, REQUEST_FORK, __ATOMIC_RELEASE);
	_exit(0);
}

static int do_fork(const struct request *request, const struct program *program)
{
	size_t size = sizeof(struct frame) + program_space(program);
	struct frame *frame = map_memory(size, MAP_SHARED);
	if (frame == NULL)
		return -ENOMEM;
	int pidfd = -1, pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		forked(program, frame, size);
	if (pid < 0) {
		munmap(frame, size);
		return pid;
	}
	/* On both sides: whoever comes first, the group is there before anybody needs it. */
	setpgid(pid, pid);
	pending_add(request, &(struct pending){ .fd = pidfd, .pidfd = -1, .pid = pid, .frame = frame, .size = size });
	return 0;
}

static int do_shim(const struct request *request, const void *configuration)
{
	int pidfd, fd = launch_shim(session.self, configuration, request->length, &pidfd);
	if (fd < 0)
		return fd;
	pending_add(request, &(struct pending){ .fd = fd, .pidfd = pidfd });
	return 0;
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

static int do_cancel(const struct request *request, const void *payload)
{
	uint64_t id;
	if (request->length != sizeof(id))
		return -EINVAL;
	memcpy(&id, payload, sizeof(id));
	for (uint32_t i = 0; i < session.count; i++) {
		if (session.pending[i].id != id || session.pending[i].state != RUNNING)
			continue;
		pending_kill(&session.pending[i], STATUS_FAILED, ECANCELED);
		answer(request->id, REQUEST_CANCEL, STATUS_DONE, 0, 0);
		return 0;
	}
	return -ESRCH;
}

/* Answers only what fails before it began. EINVAL means malformed. */
static void handle(const struct request *request, const void *payload)
{
	struct program program;
	uint32_t bad = NO_OPERATION;
	bool run = request->kind == REQUEST_RUN, program_comes = run || request->kind == REQUEST_FORK;
	int error = -EINVAL;
	if (request->flags == 0 && request->reserved == 0) {
		if (request->kind == REQUEST_CANCEL)
			error = do_cancel(request, payload);
		else if (!run && session.count == MAX_PENDING)
			error = -EAGAIN;
		else if (request->kind == REQUEST_SHIM)
			error = do_shim(request, payload);
		else if (program_comes && program_decode(payload, request->length, &program, &bad) == 0)
			error = (run ? do_run : do_fork)(request, &program);
	}
	uint16_t status = error == -EINVAL ? STATUS_MALFORMED : STATUS_FAILED;
	if (error < 0)
		answer(request->id, request->kind, status, bad, (uint32_t)-error);
}

/* Answers a FORK that ended or a shim that spoke: with what it says, if that is whole and came before it was killed. A
 * shim speaks twice; one that was killed in between is answered for with EXITED and ECHILD. */
static void conclude(struct pending *pending)
{
	struct shim_answer said;
	struct reply *reply = &said.reply;
	size_t size = 0;
	if (pending->kind == REQUEST_FORK) {
		RETRY(waitpid(pending->pid, NULL, 0));
		reply = &pending->frame->reply;
		size = reply->kind == REQUEST_FORK ? pending->size : 0;
	} else {
		ssize_t got = RETRY(read(pending->fd, &said, sizeof(said)));
		size = got >= (ssize_t)sizeof(*reply) ? (size_t)got : 0;
	}
	if (pending->kind == REQUEST_SHIM && pending->state == RUNNING && size > 0 && reply->status == STATUS_DONE) {
		send_reply(reply, pending->id, pending->kind, size);
		/* Its exit is told to nobody: the next engine asks it. */
		if (session.ended) {
			pending_remove(pending);
			return;
		}
		session.wants_spare = !session.ended;
		pending->state = FOLLOWED;
		pending->status = STATUS_EXITED;
		pending->deadline = 0;
		return;
	}
	if (pending->state <= FOLLOWED && size > 0)
		send_reply(reply, pending->id, pending->kind, size);
	else if (pending->state != ANSWERED)
		answer(pending->id, pending->kind, pending->status, NO_OPERATION, pending->error);
	pending_remove(pending);
}

static void deadline_passed(struct pending *pending)
{
	if (pending->state == RUNNING) {
		pending_kill(pending, STATUS_DEADLINE, ETIMEDOUT);
		return;
	}
	answer(pending->id, pending->kind, pending->status, NO_OPERATION, pending->error);
	pending->state = ANSWERED;
	pending->deadline = 0;
}

/* Answers what has ended and kills what has taken too long, until there is input or nothing is pending any more. */
static void wait_pending(void)
{
	while (session.count > 0 || session.wants_spare) {
		uint64_t time = now(), next = UINT64_MAX;
		for (uint32_t i = 0; i < session.count; i++) {
			const struct pending *pending = &session.pending[i];
			session.polls[i + 1] = (struct pollfd){ pending->fd, POLLIN, 0 };
			if (pending->deadline != 0 && pending->deadline < next)
				next = pending->deadline;
		}
		session.polls[0] = (struct pollfd){ session.ended ? -1 : SOCKET, POLLIN, 0 };
		uint64_t timeout = next <= time ? 0 : next - time > INT32_MAX ? INT32_MAX : next - time;
		if (session.wants_spare && timeout > LULL)
			timeout = LULL;
		bool endless = next == UINT64_MAX && !session.wants_spare;
		int ready = poll(session.polls, session.count + 1, endless ? -1 : (int)timeout);
		if (ready < 0)
			continue;
		if (ready == 0 && session.wants_spare) {
			launch_spare(session.self);
			session.wants_spare = false;
		}
		time = now();
		/* Downwards: removing puts the last, which was already looked at, into the gap. */
		for (uint32_t i = session.count; i-- > 0;) {
			struct pending *pending = &session.pending[i];
			if (session.polls[i + 1].revents != 0)
				conclude(pending);
			else if (pending->deadline != 0 && pending->deadline <= time)
				deadline_passed(pending);
		}
		if (session.polls[0].revents != 0)
			return;
	}
}

/* Reads until `size` bytes are there, and what comes along. False at the end of input. */
static bool receive(size_t size)
{
	size_t limit = size > KEPT ? size : KEPT;
	while (session.have < size) {
		wait_pending();
		int flags = session.count > 0 ? MSG_DONTWAIT : 0;
		ssize_t got = recv(SOCKET, session.input + session.have, limit - session.have, flags);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		session.have += got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* Performs one request. False when there is none any more, or nothing sensible. */
static bool next_request(void)
{
	const struct request *request = (const struct request *)session.input;
	if (!receive(sizeof(*request)) || request->length > MAX_REQUEST)
		return false;
	size_t size = sizeof(*request) + request->length;
	if (!receive(size))
		return false;
	handle(request, request + 1);
	/* The next one must be aligned as well. Behind a large one nothing was read. */
	session.have -= size;
	memmove(session.input, session.input + size, session.have);
	give_back(session.input, KEPT, size);
	return true;
}

int session_main(int self)
{
	context_init(&session.context);
	session.context.child = leave_session;
	session.self = self;
	session.input = map_memory(MAX_INPUT, MAP_PRIVATE);
	session.frame = map_memory(MAX_FRAME, MAP_PRIVATE);
	/* Whoever made the socket may have made it non-blocking. A body that borrows its memory just executes something. */
	if (session.input == NULL || session.frame == NULL || fcntl(SOCKET, F_SETFL, 0) < 0 ||
	    fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	while (next_request())
		;
	session.ended = true;
	session.wants_spare = false;
	spare_forget();
	/* Shims tell their exits to nobody then: the next engine asks them. */
	for (uint32_t i = session.count; i-- > 0;)
		if (session.pending[i].state == FOLLOWED)
			pending_remove(&session.pending[i]);
	wait_pending();
	return 0;
}
