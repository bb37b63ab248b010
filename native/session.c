/* A session is one loop: programs are performed as they come, in order. It waits in recv(), so a RUN costs three system
 * calls more than its operations. */
#include "execute.h"

/* Input and frame have address space for the largest ones. KEPT bytes of it stay in memory between requests. */
enum { SOCKET = 3, KEPT = 64 << 10 };

struct input {
	struct request request;
	uint8_t payload[MAX_REQUEST];
};

/* The reply to RUN; results and output follow. */
struct frame {
	struct reply reply;
	uint32_t operations, output_length;
	int64_t space[];
};
enum { MAX_FRAME = sizeof(struct frame) + MAX_OPERATIONS * sizeof(int64_t) + MAX_OUTPUT };

/* Whoever asked may be gone: what was asked for is done all the same. */
static void send_reply(const struct reply *reply)
{
	const uint8_t *from = (const uint8_t *)reply;
	for (size_t left = sizeof(*reply) + reply->length; left > 0;) {
		ssize_t sent = RETRY(send(SOCKET, from, left, MSG_NOSIGNAL));
		if (sent < 0)
			return;
		from += sent;
		left -= (size_t)sent;
	}
}

static void serve(const struct input *input, struct context *context, struct frame *frame)
{
	const struct request *request = &input->request;
	struct reply *reply = &frame->reply;
	struct program program;
	*reply = (struct reply){ .kind = request->kind, .status = STATUS_MALFORMED, .id = request->id,
				 .index = NO_OPERATION, .error = EINVAL };
	if (request->kind == REQUEST_RUN && program_open(input->payload, request->length, &program) == 0) {
		signal(SIGCHLD, SIG_DFL);
		struct outcome outcome = program_run(&program, context, frame->space);
		/* Shims and what else stays when its program is done: nobody asks any more how it ends. */
		signal(SIGCHLD, SIG_IGN);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			continue;
		bool malformed = outcome.error == MALFORMED;
		frame->operations = program.count;
		frame->output_length = program.output_length;
		reply->length = (uint32_t)(sizeof(*frame) - sizeof(*reply) + program_space(&program));
		reply->status = malformed ? STATUS_MALFORMED : outcome.error != 0 ? STATUS_FAILED : STATUS_DONE;
		reply->index = outcome.index;
		reply->error = malformed ? EINVAL : (uint32_t)outcome.error;
	}
	send_reply(reply);
	give_back(frame, KEPT, sizeof(*reply) + reply->length);
}

/* The context's hook: no process that the session starts keeps its socket open. */
static void leave_session(void)
{
	close(SOCKET);
}

int session_main(void)
{
	static struct context context;
	/* Whoever made the socket may have made it non-blocking. */
	if (fcntl(SOCKET, F_SETFL, 0) < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return 1;
	context_init(&context);
	context.child = leave_session;
	struct input *input = map_memory(sizeof(*input), MAP_PRIVATE);
	struct frame *frame = map_memory(MAX_FRAME, MAP_PRIVATE);
	while (input != NULL && frame != NULL && receive(SOCKET, &input->request, sizeof(input->request)) &&
	       input->request.length <= MAX_REQUEST && receive(SOCKET, input->payload, input->request.length)) {
		serve(input, &context, frame);
		give_back(input, KEPT, sizeof(input->request) + input->request.length);
	}
	return 0;
}
