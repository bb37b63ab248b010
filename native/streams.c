/* Carrying connections. Bytes go from socket to socket by splice(2) through a pipe, which a direction holds only while its
 * receiver is behind: a connection at rest has its two sockets and nothing else. Everything is edge-triggered: what a
 * socket is ready for is remembered until the kernel says EAGAIN. */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "carry.h"
#include "execute.h"

enum {
	MAX_CONNECTIONS = 1 << 20, /* address space; the limit of descriptors comes first */
	DESCRIPTORS = 6,           /* of one connection at most: so many are there before it is accepted */
	OTHERS = 16,               /* descriptors that are no connection's */
	PIPE_SIZE = 1 << 20,       /* what an unprivileged process may have; less costs measurably more */
	SPARE_PIPES = 4,
	ROUNDS = 16, /* of one direction, before others have their turn */
	EVENTS = 64,
	PAUSE_TIME = 100, /* ms without accepting, when something ran out */
	NONE = -1,
	LISTENER_EVENT = -1,
	WATCHED = (int)(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET),
	SPLICE = SPLICE_F_MOVE | SPLICE_F_NONBLOCK,
};

/* A connection's sides. A flow has the number of the side that it comes from. */
enum { CLIENT, BACKEND };

struct flow {
	int pipe[2];   /* held while `held` > 0 */
	uint32_t held; /* bytes that its receiver hasn't taken yet */
	bool readable, writable, ended, done;
};

struct connection {
	int fd[2];
	struct flow flow[2];
	int next; /* in the list of free ones */
	bool open, connected, broken;
};

static struct {
	struct streams of;
	struct connection *connections;
	int poll, spare_socket, spares, spare[SPARE_PIPES][2];
	int count, used, free; /* of connections: open, ever used since there were none, a list */
	bool paused;
} streams;

void carry_prepare(void)
{
	struct rlimit limit;
	signals_reset(UINT64_MAX);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void pipe_return(struct flow *flow)
{
	if (flow->held == 0 && streams.spares < SPARE_PIPES) {
		memcpy(streams.spare[streams.spares++], flow->pipe, sizeof(flow->pipe));
		return;
	}
	close(flow->pipe[0]);
	close(flow->pipe[1]);
}

static bool pipe_take(struct flow *flow)
{
	if (streams.spares > 0) {
		memcpy(flow->pipe, streams.spare[--streams.spares], sizeof(flow->pipe));
		return true;
	}
	if (pipe2(flow->pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	/* A smaller one does as well. */
	fcntl(flow->pipe[0], F_SETPIPE_SZ, PIPE_SIZE);
	return true;
}

/* The flow is over; what its receiver hasn't taken is lost. */
static void flow_drop(struct flow *flow)
{
	if (flow->held > 0)
		pipe_return(flow);
	flow->held = 0;
	flow->ended = flow->done = true;
}

/* Sends what the flow holds. */
static void flow_send(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	while (flow->held > 0 && flow->writable) {
		ssize_t sent = RETRY(splice(flow->pipe[0], NULL, connection->fd[!side], NULL, flow->held, SPLICE));
		if (sent > 0) {
			flow->held -= (uint32_t)sent;
			if (flow->held == 0)
				pipe_return(flow);
		} else if (sent < 0 && errno == EAGAIN) {
			flow->writable = false;
		} else {
			/* It takes nothing any more. What it sent may still be there to read. */
			connection->broken = true;
			flow_drop(flow);
		}
	}
}

/* Reads into a pipe what flow_send() then sends. */
static void flow_fill(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	bool piped = pipe_take(flow);
	ssize_t got = piped ? RETRY(splice(connection->fd[side], NULL, flow->pipe[1], NULL, PIPE_SIZE, SPLICE)) : -1;
	int error = errno;
	if (got > 0) {
		flow->held = (uint32_t)got;
		return;
	}
	if (piped)
		pipe_return(flow);
	if (got < 0 && error == EAGAIN) {
		flow->readable = false;
		return;
	}
	flow->ended = true;
	if (got < 0) {
		/* What came from it still goes out, what goes to it is lost. */
		connection->broken = true;
		flow_drop(&connection->flow[!side]);
	}
}

/* Moves what can be moved. Returns whether there may be more. */
static bool flow_move(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	for (int round = 0; round < ROUNDS; round++) {
		flow_send(connection, side);
		if (flow->done || flow->held > 0)
			return false;
		if (flow->ended) {
			/* Of a broken connection nothing is left then: it is closed as a whole. */
			if (!connection->broken)
				shutdown(connection->fd[!side], SHUT_WR);
			flow->done = true;
			return false;
		}
		if (!flow->readable || !flow->writable)
			return false;
		flow_fill(connection, side);
	}
	return true;
}

/* Closes by RST. */
static void close_hard(int fd)
{
	struct linger hard = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static bool watch(int operation, int fd, int64_t name, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)name };
	return epoll_ctl(streams.poll, operation, fd, &event) == 0;
}

static void pause_listener(bool paused)
{
	if (paused != streams.paused)
		watch(EPOLL_CTL_MOD, streams.of.listener, LISTENER_EVENT, paused ? 0 : EPOLLIN);
	streams.paused = paused;
}

static void connection_close(struct connection *connection, bool hard)
{
	for (int side = CLIENT; side <= BACKEND; side++) {
		int unsent = 0;
		/* Who has still to get something gets that, instead of word that the other side broke off. */
		bool behind = ioctl(connection->fd[side], SIOCOUTQ, &unsent) < 0 || unsent > 0;
		flow_drop(&connection->flow[side]);
		if (hard || (connection->broken && !behind))
			close_hard(connection->fd[side]);
		else
			close(connection->fd[side]);
	}
	connection->open = false;
	connection->next = streams.free;
	streams.free = (int)(connection - streams.connections);
	pause_listener(false);
	if (--streams.count > 0)
		return;
	give_back(streams.connections, 1, sizeof(struct connection) * (size_t)streams.used);
	streams.used = 0;
	streams.free = NONE;
}

static void connection_event(struct connection *connection, int side, uint32_t events)
{
	/* Closed in this round. */
	if (!connection->open)
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		connection->flow[side].readable = true;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		connection->flow[!side].writable = true;
	if (!connection->connected) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			connection_close(connection, true);
			return;
		}
		if (side == CLIENT || !(events & EPOLLOUT))
			return;
		connection->connected = true;
	}
	bool more[2] = { flow_move(connection, CLIENT), flow_move(connection, BACKEND) };
	/* The second may have ended the first. */
	if (connection->flow[CLIENT].done && connection->flow[BACKEND].done) {
		connection_close(connection, false);
		return;
	}
	/* Whoever was cut short has an event again when the others have had their turn. */
	for (int from = CLIENT; from <= BACKEND; from++)
		if (more[from])
			watch(EPOLL_CTL_MOD, connection->fd[from],
			      (int64_t)(connection - streams.connections) << 1 | from, (uint32_t)WATCHED);
}

/* Takes one client, if there is all that it needs, and starts connecting it. Returns -errno when the listener is of no use
 * any more. */
static int accept_client(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	bool room = streams.count < MAX_CONNECTIONS &&
		    (rlim_t)(streams.count + 1) * DESCRIPTORS + OTHERS <= limit.rlim_cur;
	if (room && streams.spare_socket < 0)
		streams.spare_socket = streams.of.open();
	if (!room || streams.spare_socket < 0) {
		pause_listener(true);
		return 0;
	}
	int client = accept4(streams.of.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP)
			return -errno;
		pause_listener(errno != EAGAIN && errno != EINTR && errno != ECONNABORTED);
		return 0;
	}
	int index = streams.free != NONE ? streams.free : streams.used, backend = streams.spare_socket;
	int64_t name = (int64_t)index << 1;
	struct connection *connection = &streams.connections[index];
	streams.spare_socket = -1;
	if (streams.of.connect(backend, client) < 0 || !watch(EPOLL_CTL_ADD, backend, name | BACKEND, (uint32_t)WATCHED) ||
	    !watch(EPOLL_CTL_ADD, client, name | CLIENT, (uint32_t)WATCHED)) {
		close_hard(client);
		close(backend);
		return 0;
	}
	if (index == streams.used)
		streams.used++;
	else
		streams.free = connection->next;
	*connection = (struct connection){ .fd = { client, backend }, .open = true };
	streams.count++;
	return 0;
}

int streams_begin(const struct streams *of)
{
	carry_prepare();
	streams.of = *of;
	streams.spare_socket = streams.free = NONE;
	streams.connections = map_memory(sizeof(struct connection) * (size_t)MAX_CONNECTIONS, MAP_PRIVATE);
	streams.poll = epoll_create1(EPOLL_CLOEXEC);
	if (streams.connections == NULL)
		return -ENOMEM;
	if (streams.poll < 0 || fcntl(of->listener, F_SETFL, O_NONBLOCK) < 0 ||
	    !watch(EPOLL_CTL_ADD, of->listener, LISTENER_EVENT, EPOLLIN))
		return -errno;
	return streams.poll;
}

int streams_step(int timeout)
{
	struct epoll_event events[EVENTS];
	bool accepts = false;
	int ready = epoll_wait(streams.poll, events, EVENTS, streams.paused && timeout < 0 ? PAUSE_TIME : timeout);
	for (int i = 0; i < ready; i++) {
		int64_t name = (int64_t)events[i].data.u64;
		accepts |= name == LISTENER_EVENT;
		if (name != LISTENER_EVENT)
			connection_event(&streams.connections[name >> 1], (int)(name & 1), events[i].events);
	}
	if (ready == 0)
		pause_listener(false);
	/* Last: a new one may have the place of one that ended, of which other events may speak. */
	int error = accepts ? accept_client() : 0;
	return error < 0 ? error : streams.paused;
}
