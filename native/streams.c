/* Carrying connections. Bytes go from socket to socket by splice(2) through a pipe, which a direction holds only while its
 * receiver is behind: a connection at rest has its two sockets and nothing else. Everything is edge-triggered: what a
 * socket is ready for is remembered until the kernel says EAGAIN. */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "carry.h"
#include "execute.h"

enum {
	MAX_DESCRIPTORS = 1 << 20, /* address space; the limit comes first */
	DESCRIPTORS = 6,           /* of one connection at most: so many are there before it is accepted */
	OTHERS = 16,               /* descriptors that are no connection's */
	PIPE_SIZE = 1 << 20,       /* what an unprivileged process may have; less costs measurably more */
	ROUNDS = 32,               /* of one direction, before others have their turn */
	EVENTS = 64,
	PAUSE_TIME = 100, /* ms without accepting, when something ran out */
	WATCHED = (int)(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET),
	SPLICE = SPLICE_F_MOVE | SPLICE_F_NONBLOCK,
};

/* A connection's socket, and what flows from it to the other one. */
struct side {
	int peer;      /* 0: no connection's */
	int pipe[2];   /* held while `held` > 0 */
	uint32_t held; /* bytes that the peer hasn't taken yet */
	bool readable, writable, done, broken;
};

static struct {
	int listener, poll;
	int (*open)(void);
	int (*connect)(int backend, int client);
	struct side *sides; /* by descriptor */
	int spare[2];       /* a pipe for the next flow, or -1 */
	int count;          /* of connections */
	bool paused;
} streams = { .spare = { -1, -1 } };

void carry_prepare(void)
{
	struct rlimit limit;
	signals_reset(UINT64_MAX);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void pipe_take(struct side *from)
{
	memcpy(from->pipe, streams.spare, sizeof(from->pipe));
	memset(streams.spare, -1, sizeof(streams.spare));
	/* Without one the flow fails. A smaller one does as well. */
	if (from->pipe[0] < 0 && pipe2(from->pipe, O_NONBLOCK | O_CLOEXEC) == 0)
		fcntl(from->pipe[0], F_SETPIPE_SZ, PIPE_SIZE);
}

/* What is in it is lost. */
static void pipe_return(struct side *from)
{
	if (from->held == 0 && streams.spare[0] < 0) {
		memcpy(streams.spare, from->pipe, sizeof(from->pipe));
	} else {
		close(from->pipe[0]);
		close(from->pipe[1]);
	}
	memset(from->pipe, -1, sizeof(from->pipe));
	from->held = 0;
}

/* Moves what can be moved from this socket to its peer. Returns whether there may be more. */
static bool flow_move(int fd)
{
	struct side *from = &streams.sides[fd], *to = &streams.sides[from->peer];
	int round = 0;
	for (; round < ROUNDS && !from->done && to->writable && (from->held > 0 || from->readable); round++) {
		bool sends = from->held > 0;
		if (!sends)
			pipe_take(from);
		ssize_t moved = sends ? RETRY(splice(from->pipe[0], NULL, from->peer, NULL, from->held, SPLICE)) :
					RETRY(splice(fd, NULL, from->pipe[1], NULL, PIPE_SIZE, SPLICE));
		if (moved > 0) {
			from->held = sends ? from->held - (uint32_t)moved : (uint32_t)moved;
		} else if (moved < 0 && errno == EAGAIN) {
			*(sends ? &to->writable : &from->readable) = false;
		} else {
			from->done = true;
			/* Of a broken connection nothing is left when both are done: it is closed as a whole. */
			if (moved == 0 && !from->broken)
				shutdown(from->peer, SHUT_WR);
			if (moved < 0)
				from->broken = to->broken = true;
			/* One that takes nothing any more may still have sent something. One that fails to be read takes nothing. */
			if (moved < 0 && !sends) {
				to->done = true;
				pipe_return(to);
			}
		}
		if (from->held == 0 || from->done)
			pipe_return(from);
	}
	return round == ROUNDS;
}

static bool watch(int operation, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	return epoll_ctl(streams.poll, operation, fd, &event) == 0;
}

static void pause_listener(bool paused)
{
	/* Nobody is told of those who wait by then, but of one more. */
	if (paused != streams.paused)
		watch(EPOLL_CTL_MOD, streams.listener, paused ? EPOLLIN | (uint32_t)EPOLLET : EPOLLIN);
	streams.paused = paused;
}

static void connection_close(int fd)
{
	for (int i = 0; i < 2; i++) {
		struct side *side = &streams.sides[fd];
		int unsent = 0;
		/* Who has still to get something gets that, instead of word that the other side broke off, an RST. */
		bool behind = ioctl(fd, SIOCOUTQ, &unsent) < 0 || unsent > 0;
		struct linger linger = { .l_onoff = side->broken && !behind };
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(fd);
		fd = side->peer;
		side->peer = 0;
	}
	pause_listener(false);
	if (--streams.count == 0)
		give_back(streams.sides, 1, sizeof(struct side) * MAX_DESCRIPTORS);
}

static void connection_event(int fd, uint32_t events)
{
	struct side *side = &streams.sides[fd];
	int peer = side->peer;
	/* Closed in this round. */
	if (peer == 0)
		return;
	side->readable |= (events & ~(uint32_t)EPOLLOUT) != 0;
	side->writable |= (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
	bool more = flow_move(fd), more_back = flow_move(peer);
	/* The second may have ended the first. */
	if (side->done && streams.sides[peer].done) {
		connection_close(fd);
		return;
	}
	/* Whoever was cut short has an event again when the others have had their turn. */
	if (more)
		watch(EPOLL_CTL_MOD, fd, (uint32_t)WATCHED);
	if (more_back)
		watch(EPOLL_CTL_MOD, peer, (uint32_t)WATCHED);
}

/* Takes one client, if there is all that it needs, and starts connecting it. */
static void accept_client(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	rlim_t needed = (rlim_t)(streams.count + 1) * DESCRIPTORS + OTHERS;
	int backend = needed <= limit.rlim_cur && needed <= MAX_DESCRIPTORS ? streams.open() : -1;
	int client = backend < 0 ? -1 : accept4(streams.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		close(backend);
		pause_listener(true);
		return;
	}
	streams.sides[client] = (struct side){ .peer = backend, .pipe = { -1, -1 } };
	streams.sides[backend] = (struct side){ .peer = client, .pipe = { -1, -1 } };
	streams.count++;
	if ((streams.connect != NULL && streams.connect(backend, client) < 0) ||
	    !watch(EPOLL_CTL_ADD, backend, (uint32_t)WATCHED) || !watch(EPOLL_CTL_ADD, client, (uint32_t)WATCHED)) {
		streams.sides[client].broken = true;
		connection_close(client);
	}
}

int streams_begin(int listener, int (*open)(void), int (*connect)(int backend, int client))
{
	carry_prepare();
	streams.listener = listener;
	streams.open = open;
	streams.connect = connect;
	streams.sides = map_memory(sizeof(struct side) * MAX_DESCRIPTORS, MAP_PRIVATE);
	streams.poll = epoll_create1(EPOLL_CLOEXEC);
	if (streams.sides == NULL)
		return -ENOMEM;
	if (streams.poll < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0 || !watch(EPOLL_CTL_ADD, listener, EPOLLIN))
		return -errno;
	return streams.poll;
}

bool streams_step(int timeout)
{
	struct epoll_event events[EVENTS];
	bool accepts = false;
	int ready = epoll_wait(streams.poll, events, EVENTS, streams.paused && timeout < 0 ? PAUSE_TIME : timeout);
	for (int i = 0; i < ready; i++)
		if (events[i].data.fd == streams.listener)
			accepts = true;
		else
			connection_event(events[i].data.fd, events[i].events);
	if (ready == 0)
		pause_listener(false);
	/* Last: a new one may have the descriptors of one that ended, of which other events may speak. */
	if (accepts)
		accept_client();
	return streams.paused;
}
