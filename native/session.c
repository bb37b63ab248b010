/* A session is one loop: requests are performed as they come, in order; FORKs and shims run beside it and are answered
 * when their processes end or speak. While nothing runs beside it, it waits in recv(), so a RUN costs three system calls
 * more than its operations. */
#include <linux/close_range.h>

#include "execute.h"

/* Input and frame have address space for the largest ones. KEPT bytes of it stay in memory between requests. */
enum { SOCKET = 3, MAX_PENDING = 16384, GRACE = 100, KEPT = 64 << 10, LULL = 1 };

/* The reply to RUN and FORK; results and output follow. */
struct frame {
	struct reply reply;
	uint32_t operations, output_length;
	int64_t space[];
};
enum { MAX_FRAME = sizeof(struct frame) + MAX_OPERATIONS * sizeof(int64_t) + MAX_OUTPUT };

enum state {
	RUNNING,
	FOLLOWED, /* a shim whose program is done: it will tell of the exit */
	KILLED,   /* waits for its end for GRACE ms, so that who hears of it finds it gone */
	ANSWERED, /* to be reaped once it has ended */
};

struct pending {
	uint64_t id, deadline; /* ms of CLOCK_MONOTONIC; 0: none */
	uint16_t kind;
	enum state state;
	int pid, pidfd; /* a FORK's is its process group too */
	int fd;         /* a shim's socket, or -1 */
	struct frame *frame;
	size_t size;
};

static struct session {
	struct context context;
	struct { struct request request; uint8_t payload[MAX_REQUEST]; } *input;
	struct frame *frame;
	int self;
	bool ended, gone; /* no more requests; nobody who wants replies */
	bool wants_spare; /* a shim was started and has begun its work: the next lull is the time to have one ready */
	struct pending spare; /* a shim that waits for its work, if it has a socket */
	uint32_t count;
	struct pending pending[MAX_PENDING];
	struct pollfd polls[MAX_PENDING + 1];
} session;

static uint64_t now(void)
{
	return (uint64_t)clock_now(CLOCK_MONOTONIC) / 1000000;
}

static bool send_all(int socket, const void *bytes, size_t size)
{
	for (const uint8_t *from = bytes; size > 0;) {
		ssize_t sent = RETRY(send(socket, from, size, MSG_NOSIGNAL));
		if (sent < 0)
			return false;
		from += sent;
		size -= (size_t)sent;
	}
	return true;
}

/* Completes a reply, of which `size` bytes are there, and sends it. */
static void send_reply(struct reply *reply, uint64_t id, uint16_t kind, size_t size)
{
	reply->length = (uint32_t)(size - sizeof(*reply));
	reply->kind = kind;
	reply->id = id;
	session.gone = session.gone || !send_all(SOCKET, reply, size);
}

/* With a reply that speaks of no operation. */
static void answer(uint64_t id, uint16_t kind, uint16_t status, int error)
{
	struct reply reply = { .status = status, .index = NO_OPERATION, .error = (uint32_t)error };
	send_reply(&reply, id, kind, sizeof(reply));
}

/* Performs a program into a frame: all of it but what send_reply() fills in. */
static void perform(const struct program *program, struct frame *frame)
{
	struct outcome outcome = program_run(program, &session.context, frame->space);
	frame->operations = program->count;
	frame->output_length = program->output_length;
	bool malformed = outcome.error == MALFORMED;
	frame->reply.status = malformed ? STATUS_MALFORMED : outcome.error != 0 ? STATUS_FAILED : STATUS_DONE;
	frame->reply.index = outcome.index;
	frame->reply.error = malformed ? EINVAL : (uint32_t)outcome.error;
}

static void pending_close(const struct pending *pending)
{
	if (pending->fd >= 0)
		close(pending->fd);
	close(pending->pidfd);
}

static void spare_forget(void)
{
	if (session.spare.fd >= 0)
		pending_close(&session.spare);
	session.spare.fd = -1;
	/* If somebody has killed it. */
	waitpid(session.spare.pid, NULL, WNOHANG);
}

/* The context's hook: no process that the session starts keeps its socket open, or the spare's. */
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

static void pending_add(const struct request *request, const struct pending *like)
{
	struct pending *pending = &session.pending[session.count++];
	*pending = *like;
	pending->id = request->id;
	pending->kind = request->kind;
	pending->deadline = request->deadline > 0 ? now() + request->deadline : 0;
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
	struct pending fork = { .fd = -1, .frame = map_memory(size, MAP_SHARED), .size = size };
	if (fork.frame == NULL)
		return -ENOMEM;
	fork.pid = process_clone(0, -1, &fork.pidfd);
	if (fork.pid == 0)
		forked(program, fork.frame, size);
	if (fork.pid < 0) {
		munmap(fork.frame, size);
		return fork.pid;
	}
	/* On both sides: whoever comes first, the group is there before anybody needs it. */
	setpgid(fork.pid, fork.pid);
	pending_add(request, &fork);
	return 0;
}

/* In the shim's process: its descriptors shall be 0 to 3 and no others. */
static int become_shim(void *socket)
{
	/* Room for an id, which takes its place. */
	static char name[] = "caisson-shim", title[] = "spare                                                           ";
	char *argv[] = { name, title, NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	if (null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0 &&
	    dup2(*(int *)socket, SHIM_SOCKET) >= 0) {
		syscall(SYS_close_range, SHIM_SOCKET + 1, ~0U, CLOSE_RANGE_CLOEXEC);
		syscall(SYS_execveat, session.self, "", argv, envp, AT_EMPTY_PATH);
	}
	return 127;
}

/* Has a shim wait for its request. */
static int spare_start(void)
{
	struct pending *spare = &session.spare;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	spare->pid = process_borrow(become_shim, &ends[1], &spare->pidfd);
	close(ends[1]);
	if (spare->pid > 0)
		spare->fd = ends[0];
	else
		close(ends[0]);
	return spare->pid < 0 ? spare->pid : 0;
}

static int do_shim(const struct request *request)
{
	/* Somebody may have killed the one that waits. */
	for (bool waited = session.spare.fd >= 0;; waited = false) {
		int error = waited ? 0 : spare_start();
		if (error < 0)
			return error;
		bool sent = send_all(session.spare.fd, request, sizeof(*request) + request->length);
		if (!sent && waited) {
			spare_forget();
			continue;
		}
		pending_add(request, &session.spare);
		session.spare.fd = -1;
		return 0;
	}
}

/* Answers only what fails before it began. EINVAL means malformed. */
static void handle(const struct request *request, const void *payload)
{
	struct program program;
	bool run = request->kind == REQUEST_RUN, program_comes = run || request->kind == REQUEST_FORK;
	int error = -EINVAL;
	if (request->flags == 0 && request->reserved == 0) {
		if (!run && session.count == MAX_PENDING)
			error = -EAGAIN;
		else if (request->kind == REQUEST_SHIM)
			error = do_shim(request);
		else if (program_comes && program_open(payload, request->length, &program) == 0)
			error = (run ? do_run : do_fork)(request, &program);
	}
	uint16_t status = error == -EINVAL ? STATUS_MALFORMED : STATUS_FAILED;
	if (error < 0)
		answer(request->id, request->kind, status, -error);
}

/* Hears a shim. It speaks twice; one that ends before that without a word was killed. */
static void hear(struct pending *pending)
{
	struct shim_answer said;
	ssize_t got = RETRY(recv(pending->fd, &said, sizeof(said), MSG_WAITALL));
	bool done = got == sizeof(said) && said.reply.status == STATUS_DONE;
	if (pending->state <= FOLLOWED && got == sizeof(said)) {
		send_reply(&said.reply, pending->id, pending->kind, sizeof(said));
		session.wants_spare = session.wants_spare || (done && !session.ended);
		pending->state = done ? FOLLOWED : ANSWERED;
		pending->deadline = 0;
	}
	if (got != sizeof(said)) {
		close(pending->fd);
		pending->fd = -1;
	} else if (session.ended) {
		pending_remove(pending);
	}
}

/* Reaps a process that has ended, and answers for it if nobody has. */
static void conclude(struct pending *pending)
{
	siginfo_t info;
	RETRY(waitid(P_PIDFD, (id_t)pending->pidfd, &info, WEXITED));
	uint16_t status = pending->state == KILLED ? STATUS_DEADLINE : pending->state == FOLLOWED ? STATUS_EXITED : STATUS_FAILED;
	if (pending->state == RUNNING && pending->frame != NULL && pending->frame->reply.kind == REQUEST_FORK)
		send_reply(&pending->frame->reply, pending->id, pending->kind, pending->size);
	else if (pending->state != ANSWERED)
		answer(pending->id, pending->kind, status, pending->state == KILLED ? ETIMEDOUT : ECHILD);
	pending_remove(pending);
}

static void deadline_passed(struct pending *pending)
{
	bool running = pending->state == RUNNING;
	if (running)
		kill(pending->kind == REQUEST_FORK ? -pending->pid : pending->pid, SIGKILL);
	else
		answer(pending->id, pending->kind, STATUS_DEADLINE, ETIMEDOUT);
	pending->state = running ? KILLED : ANSWERED;
	pending->deadline = running ? now() + GRACE : 0;
}

/* Answers what has ended and kills what has taken too long, until there is input or nothing is pending any more. */
static void wait_pending(void)
{
	while (session.count > 0 || session.wants_spare) {
		uint64_t time = now(), next = session.wants_spare ? time + LULL : UINT64_MAX;
		for (uint32_t i = 0; i < session.count; i++) {
			const struct pending *pending = &session.pending[i];
			session.polls[i + 1] = (struct pollfd){ pending->fd >= 0 ? pending->fd : pending->pidfd, POLLIN, 0 };
			if (pending->deadline != 0 && pending->deadline < next)
				next = pending->deadline;
		}
		session.polls[0] = (struct pollfd){ session.ended ? -1 : SOCKET, POLLIN, 0 };
		uint64_t timeout = next <= time ? 0 : next - time > INT32_MAX ? INT32_MAX : next - time;
		int ready = poll(session.polls, session.count + 1, next == UINT64_MAX ? -1 : (int)timeout);
		if (ready == 0 && session.wants_spare) {
			session.wants_spare = false;
			if (session.spare.fd < 0)
				spare_start();
		}
		time = now();
		/* Downwards: removing puts the last, which was already looked at, into the gap. */
		for (uint32_t i = session.count; i-- > 0 && ready >= 0;) {
			struct pending *pending = &session.pending[i];
			if (session.polls[i + 1].revents != 0)
				(pending->fd >= 0 ? hear : conclude)(pending);
			else if (pending->deadline != 0 && pending->deadline <= time)
				deadline_passed(pending);
		}
		if (ready > 0 && session.polls[0].revents != 0)
			return;
	}
}

/* Reads `size` bytes. False at the end of input. */
static bool receive(void *to, size_t size)
{
	for (size_t have = 0; have < size;) {
		wait_pending();
		ssize_t got = recv(SOCKET, (uint8_t *)to + have, size - have, session.count > 0 ? MSG_DONTWAIT : 0);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		have += got > 0 ? (size_t)got : 0;
	}
	return true;
}

int session_main(int self)
{
	context_init(&session.context);
	session.context.child = leave_session;
	session.self = self;
	session.spare.fd = -1;
	session.input = map_memory(sizeof(*session.input), MAP_PRIVATE);
	session.frame = map_memory(MAX_FRAME, MAP_PRIVATE);
	/* Whoever made the socket may have made it non-blocking. A body that borrows its memory just executes something. */
	if (session.input == NULL || session.frame == NULL || fcntl(SOCKET, F_SETFL, 0) < 0 ||
	    fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	struct request *request = &session.input->request;
	while (receive(request, sizeof(*request)) && request->length <= MAX_REQUEST &&
	       receive(session.input->payload, request->length)) {
		handle(request, session.input->payload);
		give_back(session.input, KEPT, sizeof(*request) + request->length);
	}
	session.ended = true;
	session.wants_spare = false;
	spare_forget();
	/* Shims tell their exits to nobody then: the next engine asks them. */
	for (uint32_t i = session.count; i-- > 0;)
		if (session.pending[i].fd >= 0 && session.pending[i].state != RUNNING)
			pending_remove(&session.pending[i]);
	wait_pending();
	return 0;
}
