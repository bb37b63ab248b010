/* The proxy of connections. Bytes go from socket to socket by splice(2) through a pipe, which a direction holds only
 * while its receiver is behind: a connection at rest has its two sockets and nothing else. Everything is edge-triggered:
 * what a socket is ready for is remembered until the kernel says EAGAIN. */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "proxy.h"

enum {
	MAX_CONNECTIONS = 1 << 20, /* address space; the limit of descriptors comes first */
	CHUNK = 1 << 20,           /* what one splice() may take; the pipe decides */
	PIPE_SIZE = 256 << 10,
	SPARE_PIPES = 8,
	ROUNDS = 16, /* of one direction, before others have their turn */
	ACCEPTS = 64,
	EVENTS = 64,
	COPY_SIZE = 64 << 10,
	PAUSE_TIME = 100, /* ms without accepting, when descriptors or memory ran out */
	NONE = -1,
	LISTENER_EVENT = -1,
	ORIGINAL_DST = 80, /* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, whose headers don't go with libc's */
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
	int next; /* in a list: free, dead or waiting for its turn */
	bool open, connected, waiting, broken;
};

static struct {
	const struct proxy *proxy;
	struct connection *connections;
	uint8_t *copy;
	int poll, spare_socket; /* a socket for the next connection's backend, made before it is accepted */
	int spares, spare[SPARE_PIPES][2];
	int count, used, free, dead, turn; /* of connections: open, ever used since there were none; lists */
	int64_t paused_until; /* ns; 0: not paused */
} tcp;

static void pipe_return(struct flow *flow, bool empty)
{
	if (empty && tcp.spares < SPARE_PIPES) {
		memcpy(tcp.spare[tcp.spares++], flow->pipe, sizeof(flow->pipe));
		return;
	}
	close(flow->pipe[0]);
	close(flow->pipe[1]);
}

static bool pipe_take(struct flow *flow)
{
	if (tcp.spares > 0) {
		memcpy(flow->pipe, tcp.spare[--tcp.spares], sizeof(flow->pipe));
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
		pipe_return(flow, false);
	flow->held = 0;
	flow->ended = flow->done = true;
}

/* A side can't be read any more: what came from it still goes out, what goes to it is lost. */
static void side_lost(struct connection *connection, int side)
{
	connection->broken = true;
	connection->flow[side].ended = true;
	flow_drop(&connection->flow[!side]);
}

/* A side takes nothing any more. What it sent may still be there to read. */
static void side_deaf(struct connection *connection, int side)
{
	connection->broken = true;
	flow_drop(&connection->flow[!side]);
}

/* Sends what the flow holds. Returns whether nothing is held any more. */
static bool flow_send(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	while (flow->held > 0 && flow->writable) {
		ssize_t sent = splice(flow->pipe[0], NULL, connection->fd[!side], NULL, flow->held, SPLICE);
		if (sent > 0)
			flow->held -= (uint32_t)sent;
		else if (sent < 0 && errno == EAGAIN)
			flow->writable = false;
		else if (sent == 0 || errno != EINTR) {
			side_deaf(connection, !side);
			return true;
		}
		if (sent > 0 && flow->held == 0)
			pipe_return(flow, true);
	}
	return flow->held == 0;
}

/* What came of a read from a side, if it wasn't bytes. */
static void flow_unread(struct connection *connection, int side, ssize_t got)
{
	struct flow *flow = &connection->flow[side];
	if (got == 0)
		flow->ended = true;
	else if (errno == EAGAIN)
		flow->readable = false;
	else if (errno != EINTR)
		side_lost(connection, side);
}

/* The way without a pipe, for SCTP and when there is no descriptor for one. Only what was sent is taken from the socket,
 * so nothing has to be kept. */
static void flow_copy(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	ssize_t got = recv(connection->fd[side], tcp.copy, COPY_SIZE, MSG_PEEK);
	if (got <= 0) {
		flow_unread(connection, side, got);
		return;
	}
	ssize_t sent = send(connection->fd[!side], tcp.copy, (size_t)got, MSG_NOSIGNAL);
	if (sent > 0)
		sent = RETRY(recv(connection->fd[side], tcp.copy, (size_t)sent, 0));
	else if (errno == EAGAIN)
		flow->writable = false;
	else if (errno != EINTR)
		side_deaf(connection, !side);
}

/* Reads into a pipe of its own what flow_send() then sends. */
static void flow_fill(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	if (tcp.proxy->protocol != IPPROTO_TCP || !pipe_take(flow)) {
		flow_copy(connection, side);
		return;
	}
	ssize_t got = splice(connection->fd[side], NULL, flow->pipe[1], NULL, CHUNK, SPLICE);
	if (got > 0) {
		flow->held = (uint32_t)got;
		return;
	}
	int error = errno;
	pipe_return(flow, true);
	errno = error;
	flow_unread(connection, side, got);
}

/* Moves what can be moved. Returns whether there may be more. */
static bool flow_move(struct connection *connection, int side)
{
	struct flow *flow = &connection->flow[side];
	for (int round = 0; round < ROUNDS; round++) {
		if (flow->done || !flow_send(connection, side) || flow->done)
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
	/* Events of this round may still speak of it. */
	connection->open = false;
	connection->next = tcp.dead;
	tcp.dead = (int)(connection - tcp.connections);
	tcp.count--;
}

static void connection_move(struct connection *connection)
{
	bool more = flow_move(connection, CLIENT);
	more = flow_move(connection, BACKEND) || more;
	/* The second may have ended the first. */
	if (connection->flow[CLIENT].done && connection->flow[BACKEND].done) {
		connection_close(connection, false);
	} else if (more && !connection->waiting) {
		connection->waiting = true;
		connection->next = tcp.turn;
		tcp.turn = (int)(connection - tcp.connections);
	}
}

static void connection_event(struct connection *connection, int side, uint32_t events)
{
	if (!connection->open)
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		connection->flow[side].readable = true;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		connection->flow[!side].writable = true;
	if (!connection->connected) {
		int error = 0;
		socklen_t length = sizeof(error);
		bool gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
		if (side == BACKEND && getsockopt(connection->fd[BACKEND], SOL_SOCKET, SO_ERROR, &error, &length) < 0)
			gone = true;
		if (gone || error != 0) {
			connection_close(connection, true);
			return;
		}
		if (side == CLIENT || !(events & EPOLLOUT))
			return;
		connection->connected = true;
	}
	if (!connection->waiting)
		connection_move(connection);
}

/* Those that were cut short have their next turn. */
static void take_turns(void)
{
	int next = tcp.turn;
	tcp.turn = NONE;
	while (next != NONE) {
		struct connection *connection = &tcp.connections[next];
		next = connection->next;
		connection->waiting = false;
		connection_move(connection);
	}
}

static void bury_dead(void)
{
	while (tcp.dead != NONE) {
		struct connection *connection = &tcp.connections[tcp.dead];
		int index = tcp.dead;
		tcp.dead = connection->next;
		connection->next = tcp.free;
		tcp.free = index;
	}
	if (tcp.count > 0 || tcp.used == 0)
		return;
	give_back(tcp.connections, 1, sizeof(struct connection) * (size_t)tcp.used);
	give_back(tcp.copy, 0, COPY_SIZE);
	tcp.used = 0;
	tcp.free = NONE;
}

static void set_options(int fd)
{
	/* As Go has them: docker-proxy notices a peer that vanished without a word after 15 s and nine more tries. */
	static const struct { int level, name, value; } options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
	};
	size_t count = tcp.proxy->protocol == IPPROTO_TCP ? sizeof(options) / sizeof(*options) : 0;
	for (size_t i = 0; i < count; i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

/* Where a connection is meant for, by the port that it asked for. False: for none of ours. */
static bool find_container(int client, union address *container)
{
	union address asked;
	socklen_t length = sizeof(asked);
	*container = tcp.proxy->container;
	if (tcp.proxy->count == 1)
		return true;
	/* An IPv6 socket has IPv4 connections too. Those that nobody redirected came to the port itself. */
	if (getsockopt(client, SOL_IP, ORIGINAL_DST, &asked, &length) < 0 &&
	    (length = sizeof(asked), getsockopt(client, SOL_IPV6, ORIGINAL_DST, &asked, &length) < 0) &&
	    (length = sizeof(asked), getsockname(client, &asked.any, &length) < 0))
		return false;
	int offset = address_port(&asked) - address_port(&tcp.proxy->host);
	if (offset < 0 || offset >= tcp.proxy->count)
		return false;
	address_set_port(container, (uint16_t)(address_port(container) + offset));
	return true;
}

static bool watch(int fd, int64_t name, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)name };
	return epoll_ctl(tcp.poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Starts connecting a client to the container, with the spare socket. */
static void connection_begin(int client)
{
	int index = tcp.free != NONE ? tcp.free : tcp.used, backend = tcp.spare_socket;
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	struct connection *connection = &tcp.connections[index];
	union address container;
	tcp.spare_socket = -1;
	set_options(backend);
	bool known = index < MAX_CONNECTIONS && find_container(client, &container);
	if (!known || (connect(backend, &container.any, address_size(&container)) < 0 && errno != EINPROGRESS) ||
	    !watch(backend, (int64_t)index << 1 | BACKEND, events) || !watch(client, (int64_t)index << 1 | CLIENT, events)) {
		close_hard(client);
		close(backend);
		return;
	}
	if (index == tcp.used)
		tcp.used++;
	else
		tcp.free = connection->next;
	*connection = (struct connection){ .fd = { client, backend }, .open = true };
	tcp.count++;
}

static void listen_again(bool listen)
{
	struct epoll_event event = { .events = listen ? EPOLLIN : 0, .data.u64 = (uint64_t)LISTENER_EVENT };
	epoll_ctl(tcp.poll, EPOLL_CTL_MOD, tcp.proxy->listener, &event);
	tcp.paused_until = listen ? 0 : clock_now(CLOCK_MONOTONIC) + PAUSE_TIME * 1000000LL;
}

/* Returns -errno when the listener is of no use any more. */
static int accept_clients(void)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, client = -1;
		if (tcp.spare_socket < 0)
			tcp.spare_socket = socket(tcp.proxy->container.family, type, tcp.proxy->protocol);
		if (tcp.spare_socket >= 0)
			client = accept4(tcp.proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client >= 0) {
			connection_begin(client);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			listen_again(false);
			return 0;
		} else if (errno == EAGAIN) {
			return 0;
		} else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP ||
		           errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT) {
			return -errno;
		}
	}
	return 0;
}

int proxy_streams(const struct proxy *proxy)
{
	struct epoll_event events[EVENTS];
	tcp.proxy = proxy;
	tcp.spare_socket = tcp.free = tcp.dead = tcp.turn = NONE;
	tcp.connections = map_memory(sizeof(struct connection) * (size_t)MAX_CONNECTIONS, MAP_PRIVATE);
	tcp.copy = map_memory(COPY_SIZE, MAP_PRIVATE);
	tcp.poll = epoll_create1(EPOLL_CLOEXEC);
	if (tcp.connections == NULL || tcp.copy == NULL)
		return -ENOMEM;
	/* What is accepted inherits them. */
	set_options(proxy->listener);
	if (tcp.poll < 0 || fcntl(proxy->listener, F_SETFL, O_NONBLOCK) < 0 ||
	    !watch(proxy->listener, LISTENER_EVENT, EPOLLIN))
		return -errno;
	for (;;) {
		int count = tcp.count, error = 0, timeout = tcp.turn != NONE ? 0 : tcp.paused_until > 0 ? PAUSE_TIME : -1;
		int ready = epoll_wait(tcp.poll, events, EVENTS, timeout);
		take_turns();
		for (int i = 0; i < ready && error == 0; i++) {
			int64_t name = (int64_t)events[i].data.u64;
			if (name == LISTENER_EVENT)
				error = accept_clients();
			else
				connection_event(&tcp.connections[name >> 1], (int)(name & 1), events[i].events);
		}
		if (error < 0)
			return error;
		bury_dead();
		if (tcp.paused_until > 0 && (tcp.count < count || clock_now(CLOCK_MONOTONIC) >= tcp.paused_until))
			listen_again(true);
	}
}
