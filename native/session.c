/* A session is one loop: requests are performed as they come, in order; shims run beside it and are answered for as they
 * speak. While there is none, it waits in recv(), so a RUN costs three system calls more than its operations. */
#include <linux/close_range.h>

#include "execute.h"

/* Input and frame have address space for the largest ones. KEPT bytes of it stay in memory between requests. */
enum { SOCKET = 3, MAX_SHIMS = 16384, KEPT = 64 << 10, LULL = 1 };

/* The reply to RUN; results and output follow. */
struct frame {
	struct reply reply;
	uint32_t operations, output_length;
	int64_t space[];
};
enum { MAX_FRAME = sizeof(struct frame) + MAX_OPERATIONS * sizeof(int64_t) + MAX_OUTPUT };

struct served {
	uint64_t id; /* of the request */
	int pid, fd; /* fd: its socket, or when that has ended its pidfd */
	int pidfd;
	bool done, answered; /* its program; all that there is to say */
};

static struct session {
	struct context context;
	struct { struct request request; uint8_t payload[MAX_REQUEST]; } *input;
	struct frame *frame;
	int self;
	bool ended, gone; /* no more requests; nobody who wants replies */
	bool wants_spare; /* a shim has begun its work: the next lull is the time to have one ready */
	struct served spare; /* a shim that waits for its work, if it has a socket */
	uint32_t count;
	struct served shims[MAX_SHIMS];
	struct pollfd polls[MAX_SHIMS + 1];
} session;

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

static int do_run(const struct request *request, const void *payload)
{
	struct program program;
	struct frame *frame = session.frame;
	if (program_open(payload, request->length, &program) < 0)
		return -EINVAL;
	size_t size = sizeof(*frame) + program_space(&program);
	struct outcome outcome = program_run(&program, &session.context, frame->space);
	bool malformed = outcome.error == MALFORMED;
	frame->operations = program.count;
	frame->output_length = program.output_length;
	frame->reply.status = malformed ? STATUS_MALFORMED : outcome.error != 0 ? STATUS_FAILED : STATUS_DONE;
	frame->reply.index = outcome.index;
	frame->reply.error = malformed ? EINVAL : (uint32_t)outcome.error;
	send_reply(&frame->reply, request->id, REQUEST_RUN, size);
	give_back(frame, KEPT, size);
	return 0;
}

static void spare_forget(void)
{
	if (session.spare.fd < 0)
		return;
	close(session.spare.fd);
	close(session.spare.pidfd);
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
	struct served *spare = &session.spare;
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
	if (session.count == MAX_SHIMS)
		return -EAGAIN;
	/* Somebody may have killed the one that waits. */
	for (bool waited = session.spare.fd >= 0;; waited = false) {
		int error = waited ? 0 : spare_start();
		if (error < 0)
			return error;
		if (send_all(session.spare.fd, request, sizeof(*request) + request->length) || !waited)
			break;
		spare_forget();
	}
	session.spare.id = request->id;
	session.shims[session.count++] = session.spare;
	session.spare.fd = -1;
	return 0;
}

static void shim_forget(struct served *shim)
{
	close(shim->fd);
	if (shim->fd != shim->pidfd)
		close(shim->pidfd);
	*shim = session.shims[--session.count];
}

/* Hears a shim. It speaks twice; then, or when it was killed, it ends. */
static void hear(struct served *shim)
{
	struct shim_answer said;
	siginfo_t info;
	if (shim->fd == shim->pidfd) {
		RETRY(waitid(P_PIDFD, (id_t)shim->pidfd, &info, WEXITED));
		if (!shim->answered)
			answer(shim->id, REQUEST_SHIM, shim->done ? STATUS_EXITED : STATUS_FAILED, ECHILD);
		shim_forget(shim);
	} else if (RETRY(recv(shim->fd, &said, sizeof(said), MSG_WAITALL)) == sizeof(said)) {
		send_reply(&said.reply, shim->id, REQUEST_SHIM, sizeof(said));
		shim->done = said.reply.status == STATUS_DONE;
		shim->answered = !shim->done;
		session.wants_spare = session.wants_spare || (shim->done && !session.ended);
		if (session.ended)
			shim_forget(shim);
	} else {
		close(shim->fd);
		shim->fd = shim->pidfd;
	}
}

/* Serves shims until there is input, or none of them any more. */
static void serve_shims(void)
{
	while (session.count > 0 || session.wants_spare) {
		session.polls[0] = (struct pollfd){ session.ended ? -1 : SOCKET, POLLIN, 0 };
		for (uint32_t i = 0; i < session.count; i++)
			session.polls[i + 1] = (struct pollfd){ session.shims[i].fd, POLLIN, 0 };
		int ready = poll(session.polls, session.count + 1, session.wants_spare ? LULL : -1);
		if (ready == 0 && session.spare.fd < 0)
			spare_start();
		session.wants_spare = session.wants_spare && ready != 0;
		/* Downwards: forgetting puts the last, which was already looked at, into the gap. */
		for (uint32_t i = session.count; i-- > 0 && ready > 0;)
			if (session.polls[i + 1].revents != 0)
				hear(&session.shims[i]);
		if (ready > 0 && session.polls[0].revents != 0)
			return;
	}
}

/* Reads `size` bytes. False at the end of input. */
static bool receive(void *to, size_t size)
{
	for (size_t have = 0; have < size;) {
		serve_shims();
		ssize_t got = recv(SOCKET, (uint8_t *)to + have, size - have, session.count > 0 ? MSG_DONTWAIT : 0);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		have += got > 0 ? (size_t)got : 0;
	}
	return true;
}

int session_main(void)
{
	/* Whoever made the socket may have made it non-blocking. */
	if (fcntl(SOCKET, F_SETFL, 0) < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	context_init(&session.context);
	session.context.child = leave_session;
	session.self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	session.spare.fd = -1;
	session.input = map_memory(sizeof(*session.input), MAP_PRIVATE);
	session.frame = map_memory(MAX_FRAME, MAP_PRIVATE);
	struct request *request = &session.input->request;
	while (session.input != NULL && session.frame != NULL && receive(request, sizeof(*request)) &&
	       request->length <= MAX_REQUEST && receive(session.input->payload, request->length)) {
		/* These answer only what fails before it began. */
		int error = request->kind == REQUEST_RUN ? do_run(request, session.input->payload) :
			    request->kind == REQUEST_SHIM ? do_shim(request) : -EINVAL;
		if (error < 0)
			answer(request->id, request->kind, error == -EINVAL ? STATUS_MALFORMED : STATUS_FAILED, -error);
		give_back(session.input, KEPT, sizeof(*request) + request->length);
	}
	session.ended = true;
	session.wants_spare = false;
	spare_forget();
	/* Shims tell their exits to nobody then: the next engine asks them. */
	for (uint32_t i = session.count; i-- > 0;)
		if (session.shims[i].done || session.shims[i].answered)
			shim_forget(&session.shims[i]);
	serve_shims();
	return 0;
}
