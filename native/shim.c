/* The shim: set-up, the loop, the control connections, the exit. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "execute.h"
#include "shim.h"
#include "wire.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define WAIT_BY_PIDFD ((idtype_t)3) /* P_PIDFD */

#define MILLISECOND 1000000ll
#define SECOND 1000000000ll
#define EXPECT_TIME (10 * SECOND) /* expected attaches hold the output so long */
#define SILENCE_TIME (200 * MILLISECOND) /* after the exit: an output that others hold open has ended */
#define DRAIN_TIME (10 * SECOND) /* after the exit: nobody keeps it open longer than that */
#define IDLE_TIME SECOND
#define LOG_RETRY_TIME (100 * MILLISECOND)
#define RECORD_RETRY_TIME SECOND
#define NEVER INT64_MAX

enum { CONFIGURATION_FD = 3, REPLY_FD = 4, FIRST_OTHER_FD = 5 };
enum { CONFIGURATION_MAGIC = 0x314d4853, MAX_CONFIGURATION = (64 << 20) + (1 << 16) };
enum { FLAG_TTY = 1, FLAG_OPEN_STDIN = 2, FLAG_STDIN_ONCE = 4 };
enum { SLOT_MASTER = 3, MAX_CLIENTS = 128 };
enum phase { PHASE_STARTING, PHASE_HELD, PHASE_RUNNING, PHASE_EXITED };
enum control { CONTROL_SIGNAL = 1, CONTROL_RESIZE, CONTROL_CLOSE_STDIN, CONTROL_ROTATE, CONTROL_GO, CONTROL_EXPECT };
/* Where in the set-up it failed: the index in a reply that speaks of no operation. */
enum stage { STAGE_DIRECTORY = 0xfffffff0, STAGE_SOCKET, STAGE_PID_FILE, STAGE_LOG, STAGE_STREAMS, STAGE_TERMINAL };

struct configuration {
	uint32_t magic, flags, expected;
	uint16_t rows, columns;
	uint64_t log_limit;
	uint32_t log_files, reserved;
};
_Static_assert(sizeof(struct configuration) == 32, "configuration");

struct state_message {
	uint32_t length;
	uint16_t type, zero;
	uint8_t phase, zeros[3];
	int32_t pid, code, signal;
	uint64_t started, finished;
};
_Static_assert(sizeof(struct state_message) == 40, "state message");

static struct {
	int directory, listener, pidfd;
	int peer; /* the terminal's other side, kept open until the exit */
	struct context *context; /* while the program runs */
	enum phase phase;
	bool tty, go, exited;
	int32_t pid, code, signal;
	uint64_t started, finished; /* ns since the epoch */
	uint16_t rows, columns;
	uint32_t expected;
	int64_t expected_until, exited_at, output_at, record_at;
	int64_t active_at; /* 0: idle memory was given back */
	struct input input;
	struct stream streams[2];
	uint32_t client_count;
} shim = {
	.directory = -1, .listener = -1, .pidfd = -1, .peer = -1, .input = { .fd = -1 },
	.streams = { { .fd = -1, .number = 1 }, { .fd = -1, .number = 2 } },
};
static struct client clients[MAX_CLIENTS];

static int64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

char *put_number(char *at, uint64_t number)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char) ('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	*at = '\0';
	return at;
}

uint8_t *map_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void give_back(uint8_t *memory, size_t keep, size_t size)
{
	keep = (keep + 4095) & ~(size_t)4095;
	madvise(memory + keep, size - keep, MADV_DONTNEED);
}

/* Control connections */

static void send_state(struct client *client)
{
	struct state_message message = {
		.length = sizeof(message) - 8, .type = 1, .phase = (uint8_t)shim.phase, .pid = shim.pid, .code = shim.code,
		.signal = shim.signal, .started = shim.started, .finished = shim.finished,
	};

	/* An engine that lets so many states lie is not listening any more. */
	if (send(client->fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(message))
		client->gone = true;
}

static void change_phase(enum phase phase)
{
	shim.phase = phase;
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].kind == CLIENT_CONTROL)
			send_state(&clients[i]);
}

static void apply_size(void)
{
	struct winsize size = { .ws_row = shim.rows, .ws_col = shim.columns };
	int master = shim.context ? shim.context->slots[SLOT_MASTER] : shim.streams[0].fd;

	if (shim.tty && master >= 0 && (shim.rows > 0 || shim.columns > 0))
		ioctl(master, TIOCSWINSZ, &size);
}

static void expect(uint32_t attaches)
{
	shim.expected = attaches;
	shim.expected_until = clock_now(CLOCK_MONOTONIC) + EXPECT_TIME;
}

/* Returns false for a message that isn't one. */
static bool handle_control(uint16_t type, const uint8_t *payload, uint32_t length)
{
	uint32_t number = 0;

	memcpy(&number, payload, length < 4 ? length : 4);
	switch (type) {
	case CONTROL_SIGNAL:
		if (length == 4 && shim.pidfd >= 0)
			syscall(SYS_pidfd_send_signal, shim.pidfd, (int)number, NULL, 0);
		return length == 4;
	case CONTROL_RESIZE:
		shim.rows = (uint16_t)number;
		shim.columns = (uint16_t)(number >> 16);
		apply_size();
		return length == 4;
	case CONTROL_CLOSE_STDIN:
		if (!shim.tty)
			shim.input.closing = true;
		return length == 0;
	case CONTROL_ROTATE:
		log_rotate(clock_now(CLOCK_MONOTONIC));
		return length == 0;
	case CONTROL_GO:
		shim.go = true;
		return length == 0;
	case CONTROL_EXPECT:
		expect(number);
		return length == 4;
	default:
		return false;
	}
}

/* Reads until CLIENT->in holds WANTED bytes. Returns whether it does. */
static bool fill(struct client *client, uint32_t wanted)
{
	while (client->have < wanted) {
		ssize_t n = recv(client->fd, client->in + client->have, wanted - client->have, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			client->gone = true;
		if (n <= 0)
			return false;
		client->have += (uint8_t)n;
	}
	return true;
}

static void read_control(struct client *client)
{
	uint32_t length;
	uint16_t type;

	while (fill(client, 8)) {
		memcpy(&length, client->in, 4);
		memcpy(&type, client->in + 4, 2);
		if (length > sizeof(client->in) - 8) {
			client->gone = true;
			return;
		}
		if (!fill(client, 8 + length))
			return;
		client->have = 0;
		if (!handle_control(type, client->in + 8, length)) {
			client->gone = true;
			return;
		}
	}
}

static void read_hello(struct client *client)
{
	if (!fill(client, 8))
		return;
	client->have = 0;
	client->kind = client->in[0];
	client->flags = client->in[1];
	if (client->kind == CLIENT_CONTROL) {
		send_state(client);
		read_control(client);
	} else if (client->kind == CLIENT_ATTACH) {
		if (shim.expected > 0)
			shim.expected--;
	} else {
		client->gone = true;
	}
}

static void accept_clients(void)
{
	while (shim.client_count < MAX_CLIENTS) {
		struct client *client = &clients[shim.client_count];
		int fd = accept4(shim.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		shim.client_count++;
		*client = (struct client) { .fd = fd };
		/* Usually the hello is there already: who attached before GO has attached before the process runs. */
		read_hello(client);
	}
}

/* What a client waits for, or that its descriptor may not be polled at all. */
static void poll_client(struct pollfd *entry, const struct client *client)
{
	bool input = client->kind == CLIENT_ATTACH ? attach_wants_input(client, &shim.input) : true;

	entry->events = (short)((input ? POLLIN : 0) | (client->begin < client->end ? POLLOUT : 0));
	/* poll() reports a hang-up whether one asks or not, again and again. */
	entry->fd = client->gone && !input ? -1 : client->fd;
}

static void serve_client(struct client *client, short events)
{
	if (events & (POLLHUP | POLLERR)) {
		client->gone = true;
		client->begin = client->end = 0;
	}
	if ((events & POLLOUT) && client->begin < client->end)
		attach_flush(client);
	if (!(events & POLLIN))
		return;
	if (client->kind == CLIENT_NEW)
		read_hello(client);
	else if (client->kind == CLIENT_CONTROL)
		read_control(client);
	else if (attach_wants_input(client, &shim.input))
		attach_input(client, &shim.input);
}

/* Closes what is over and closes the gaps. */
static void sweep_clients(void)
{
	uint32_t kept = 0;
	bool more_input = false;

	for (uint32_t i = 0; i < shim.client_count; i++) {
		struct client *client = &clients[i];
		bool attached = client->kind == CLIENT_ATTACH;
		bool may_bring_input = attached && (client->flags & ATTACH_STDIN) && shim.input.open;
		bool served = attached && shim.phase == PHASE_EXITED && client->begin == client->end;
		int unread = 0;

		if (served || (client->gone && !may_bring_input)) {
			client_close(client);
			continue;
		}
		if (may_bring_input && shim.input.closing && (ioctl(client->fd, FIONREAD, &unread) < 0 || unread > 0))
			more_input = true;
		clients[kept++] = *client;
	}
	shim.client_count = kept;
	if (shim.input.closing && !more_input)
		input_close(&shim.input);
}

/* Output */

static bool is_client_behind(void)
{
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].begin < clients[i].end)
			return true;
	return false;
}

static bool may_read(const struct stream *stream, int64_t now)
{
	if (stream->fd < 0 || shim.phase < PHASE_RUNNING || log_held_up() || (shim.expected > 0 && now < shim.expected_until))
		return false;
	/* A client that takes nothing stops the container, but not the log and the exit record of one that has ended. */
	return (shim.exited && stream->owed > 0) || !is_client_behind();
}

static void end_stream(struct stream *stream, int64_t now)
{
	close(stream->fd);
	stream->fd = -1;
	if (shim.tty)
		shim.input.open = false;
	log_end(stream, now);
}

static void read_stream(struct stream *stream, int64_t now)
{
	ssize_t n = read(stream->fd, stream->data + stream->end, READ_SIZE);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A terminal ends with EIO. */
	if (n <= 0) {
		end_stream(stream, now);
		return;
	}
	shim.output_at = now;
	for (uint32_t i = 0; i < shim.client_count; i++)
		attach_output(&clients[i], shim.tty, stream->number, stream->data + stream->end, (size_t)n);
	stream->end += (uint32_t)n;
	stream->owed -= stream->owed < (uint32_t)n ? stream->owed : (uint32_t)n;
	log_feed(stream, now);
}

static void retry_log(int64_t now)
{
	log_retry(now);
	for (int i = 0; i < 2 && !log_held_up(); i++) {
		if (shim.streams[i].fd >= 0)
			log_feed(&shim.streams[i], now);
		else
			log_end(&shim.streams[i], now);
	}
}

/* The exit */

static void process_exited(int64_t now)
{
	siginfo_t info = { 0 };

	if (waitid(WAIT_BY_PIDFD, (id_t)shim.pidfd, &info, WEXITED | __WALL) < 0) {
		/* Not our child: nobody tells us how it ended. */
		shim.code = 255;
	} else if (info.si_code == CLD_EXITED) {
		shim.code = info.si_status;
	} else {
		shim.signal = info.si_status;
		shim.code = 128 + info.si_status;
	}
	shim.finished = (uint64_t)clock_now(CLOCK_REALTIME);
	shim.exited = true;
	shim.exited_at = shim.output_at = now;
	close(shim.pidfd);
	shim.pidfd = -1;
	input_close(&shim.input);
	if (shim.peer >= 0)
		close(shim.peer);
	shim.peer = -1;
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &shim.streams[i];
		int unread = 0;

		/* All that it wrote is in the pipe now. A terminal does not say how much it holds. */
		if (stream->fd >= 0 && (shim.tty || ioctl(stream->fd, FIONREAD, &unread) < 0))
			unread = READ_SIZE;
		stream->owed = (uint32_t)unread;
	}
}

/* Ends what somebody else holds open. IDLE: poll() had nothing for us. */
static void end_silent_streams(bool idle, int64_t now)
{
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &shim.streams[i];

		if (stream->fd < 0)
			continue;
		if (!may_read(stream, now))
			shim.output_at = now;
		if ((idle && now - shim.output_at >= SILENCE_TIME) || (stream->owed == 0 && now - shim.exited_at >= DRAIN_TIME))
			end_stream(stream, now);
	}
}

/* Returns 0 or -errno. */
static int write_file(const char *name, const char *content, mode_t mode)
{
	int fd = openat(shim.directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	ssize_t length = (ssize_t) strlen(content), n;
	int error;

	if (fd < 0)
		return -errno;
	n = write(fd, content, (size_t)length);
	error = n == length ? 0 : n < 0 ? -errno : -ENOSPC;
	close(fd);
	return error;
}

/* Whole or not at all: the name appears when the content is there. */
static int write_record(void)
{
	char text[256], *at = text;
	int error;

	at = put_number(put_text(at, "{\"pid\":"), (uint64_t)shim.pid);
	at = put_number(put_text(at, ",\"code\":"), (uint64_t)shim.code);
	at = put_number(put_text(at, ",\"signal\":"), (uint64_t)shim.signal);
	at = put_number(put_text(at, ",\"started\":\""), shim.started);
	at = put_number(put_text(at, "\",\"finished\":\""), shim.finished);
	put_text(at, "\"}\n");
	error = write_file("exit.new", text, 0600);
	if (error == 0 && renameat(shim.directory, "exit.new", shim.directory, "exit") < 0)
		error = -errno;
	return error;
}

/* Once nothing more can come: the record, the news, the rest for the clients, good-bye. */
static void conclude(int64_t now)
{
	int error;

	for (int i = 0; i < 2; i++)
		if (shim.streams[i].fd >= 0 || shim.streams[i].end > 0)
			return;
	if (log_held_up() || now < shim.record_at)
		return;
	if (shim.record_at != NEVER) {
		error = write_record();
		/* Without its directory nobody looks for the record. Anything else may pass (a full file system), and an exit
		 * that is not on record is lost. */
		shim.record_at = error == 0 || error == -ENOENT ? NEVER : now + RECORD_RETRY_TIME;
	}
	if (shim.phase != PHASE_EXITED)
		change_phase(PHASE_EXITED);
}

static bool is_concluded(void)
{
	if (shim.phase != PHASE_EXITED || shim.record_at != NEVER)
		return false;
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].kind == CLIENT_ATTACH)
			return false;
	return true;
}

/* The loop */

static void rest(void)
{
	for (int i = 0; i < 2; i++)
		if (shim.streams[i].data)
			give_back(shim.streams[i].data, shim.streams[i].end, LINE_SIZE + READ_SIZE);
	for (uint32_t i = 0; i < shim.client_count; i++)
		attach_give_back(&clients[i]);
	log_give_back();
	shim.active_at = 0;
}

/* Milliseconds until something is due, rounded up; -1: nothing. */
static int time_to_wait(int64_t now)
{
	int64_t due = NEVER;
	const int64_t at[] = {
		shim.phase >= PHASE_RUNNING && shim.expected > 0 && now < shim.expected_until ? shim.expected_until : NEVER,
		log_held_up() ? now + LOG_RETRY_TIME : NEVER,
		shim.exited && shim.phase != PHASE_EXITED ? now + SILENCE_TIME : NEVER,
		shim.phase == PHASE_EXITED ? shim.record_at : NEVER,
		shim.active_at > 0 ? shim.active_at + IDLE_TIME : NEVER,
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] < due)
			due = at[i];
	if (due == NEVER)
		return -1;
	return due <= now ? 0 : (int)((due - now + MILLISECOND - 1) / MILLISECOND);
}

static void step(void)
{
	enum { LISTENER, PROCESS, INPUT, OUTPUT, FIXED = OUTPUT + 2 };
	struct pollfd set[FIXED + MAX_CLIENTS];
	int64_t now = clock_now(CLOCK_MONOTONIC);
	uint32_t polled = shim.client_count;
	int ready;

	set[LISTENER] = (struct pollfd) { shim.client_count < MAX_CLIENTS ? shim.listener : -1, POLLIN, 0 };
	set[PROCESS] = (struct pollfd) { shim.pidfd, POLLIN, 0 };
	set[INPUT] = (struct pollfd) { -1, POLLOUT, 0 };
	if (shim.phase >= PHASE_RUNNING && shim.input.open && shim.input.full)
		set[INPUT].fd = shim.input.fd;
	for (int i = 0; i < 2; i++)
		set[OUTPUT + i] = (struct pollfd) { may_read(&shim.streams[i], now) ? shim.streams[i].fd : -1, POLLIN, 0 };
	for (uint32_t i = 0; i < polled; i++)
		poll_client(&set[FIXED + i], &clients[i]);
	ready = poll(set, FIXED + polled, time_to_wait(now));
	now = clock_now(CLOCK_MONOTONIC);
	if (ready < 0)
		return;

	if (ready > 0)
		shim.active_at = now;
	else if (shim.active_at > 0 && now - shim.active_at >= IDLE_TIME)
		rest();
	if (log_held_up())
		retry_log(now);
	for (uint32_t i = 0; i < polled; i++)
		if (set[FIXED + i].fd >= 0 && set[FIXED + i].revents)
			serve_client(&clients[i], set[FIXED + i].revents);
	if (set[LISTENER].revents)
		accept_clients();
	if (set[INPUT].revents & POLLERR)
		input_close(&shim.input);
	else if (set[INPUT].revents)
		shim.input.full = false;
	for (int i = 0; i < 2; i++)
		if (set[OUTPUT + i].revents && may_read(&shim.streams[i], now))
			read_stream(&shim.streams[i], now);
	if (set[PROCESS].revents) {
		if (shim.phase >= PHASE_RUNNING)
			process_exited(now);
		else
			shim.go = true; /* died while it was held: its program will notice */
	}
	if (shim.exited && shim.phase != PHASE_EXITED) {
		end_silent_streams(ready == 0, now);
		conclude(now);
	} else if (shim.phase == PHASE_EXITED && shim.record_at != NEVER) {
		conclude(now);
	}
	sweep_clients();
}

/* The set-up */

static int open_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int error;

	/* The way by the descriptor is short enough for any directory. */
	put_text(put_number(put_text(address.sun_path, "/proc/self/fd/"), (uint64_t)shim.directory), "/shim.sock");
	shim.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (shim.listener < 0)
		return -errno;
	unlinkat(shim.directory, "shim.sock", 0);
	mask = umask(0177);
	error = bind(shim.listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(shim.listener, MAX_CLIENTS) < 0;
	error = error ? -errno : 0;
	umask(mask);
	return error;
}

/* The container's ends go into the slots, ours into the streams. */
static int open_streams(uint32_t flags)
{
	int *slots = shim.context->slots, ends[2];

	shim.tty = flags & FLAG_TTY;
	shim.input.tty = shim.tty;
	shim.input.once = flags & FLAG_STDIN_ONCE;
	shim.input.open = flags & FLAG_OPEN_STDIN;
	shim.input.full = true;
	for (int i = 0; i < (shim.tty ? 1 : 2); i++) {
		shim.streams[i].data = map_memory(LINE_SIZE + READ_SIZE);
		if (!shim.streams[i].data)
			return -ENOMEM;
	}
	if (shim.tty || !shim.input.open) {
		slots[0] = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (slots[0] < 0)
			return -errno;
	} else {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		slots[0] = ends[0];
		shim.input.fd = ends[1];
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
	}
	for (int i = 0; !shim.tty && i < 2; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		slots[1 + i] = ends[1];
		shim.streams[i].fd = ends[0];
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static int take_terminal(void)
{
	int master = shim.context->slots[SLOT_MASTER];

	if (!shim.tty)
		return 0;
	if (master < 0)
		return -EBADF;
	shim.context->slots[SLOT_MASTER] = -1;
	shim.streams[0].fd = shim.input.fd = master;
	fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
	/* A process may close its terminal and open it again later, as systemd does with its console. While we hold the
	 * other side open that isn't the end. */
	shim.peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return 0;
}

static int on_process(struct context *context, int pid, int pidfd)
{
	int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);

	(void)context;
	if (copy < 0)
		return -errno;
	if (shim.pidfd >= 0)
		close(shim.pidfd);
	shim.pidfd = copy;
	shim.pid = pid;
	apply_size();
	return 0;
}

static int on_hold(struct context *context)
{
	(void)context;
	apply_size();
	change_phase(PHASE_HELD);
	while (!shim.go)
		step();
	shim.go = false;
	change_phase(PHASE_STARTING);
	return 0;
}

/* What enters a container has nothing of the shim's, not even before it executes something: a process that is inside
 * already could reach it through /proc/PID/fd. */
static void on_child(struct context *context)
{
	const int own[] = { shim.directory, shim.listener, shim.pidfd, REPLY_FD, shim.streams[0].fd, shim.streams[1].fd };

	(void)context;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] >= 0)
			close(own[i]);
	if (shim.input.fd >= 0)
		close(shim.input.fd);
	for (uint32_t i = 0; i < shim.client_count; i++)
		close(clients[i].fd);
	log_close();
}

static void answer(uint16_t status, uint32_t index, int error)
{
	struct {
		struct reply reply;
		struct shim_reply payload;
	} message = {
		{ .length = sizeof(struct shim_reply), .kind = REQUEST_SHIM, .status = status, .index = index,
		  .error = (uint32_t)error },
		{ .pid = status == STATUS_DONE ? shim.pid : 0, .started = status == STATUS_DONE ? shim.started : 0 },
	};
	ssize_t n = write(REPLY_FD, &message, sizeof(message));

	/* If the engine has died in the meantime, the next one asks the socket. */
	(void)n;
	close(REPLY_FD);
}

static int remove_traces(void)
{
	unlinkat(shim.directory, "shim.sock", 0);
	unlinkat(shim.directory, "shim.pid", 0);
	return 1;
}

static int fail(uint16_t status, uint32_t index, int error)
{
	if (shim.directory >= 0)
		remove_traces();
	answer(status, index, error < 0 ? -error : error);
	return 1;
}

/* The next string of the configuration, or NULL. AT is moved on to what follows. */
static const char *next_string(const uint8_t *bytes, size_t size, size_t *at)
{
	const char *text = (const char *)bytes + *at + 4;
	uint32_t length;

	if (size - *at < 5)
		return NULL;
	memcpy(&length, bytes + *at, 4);
	if (length > size - *at - 5 || text[length] != '\0' || memchr(text, '\0', length))
		return NULL;
	*at += ((size_t)length + 5 + 3) & ~(size_t)3;
	return *at <= size ? text : NULL;
}

struct parts {
	struct configuration configuration;
	const char *id, *directory, *log;
	struct program program;
};

/* Returns whether the bytes are a configuration; what is wrong with its program is in BAD. */
static bool parse(const uint8_t *bytes, size_t size, struct parts *parts, uint32_t *bad)
{
	size_t at = sizeof(parts->configuration);

	*bad = NO_OPERATION;
	if (size < at)
		return false;
	memcpy(&parts->configuration, bytes, at);
	if (parts->configuration.magic != CONFIGURATION_MAGIC || parts->configuration.log_files == 0)
		return false;
	parts->id = next_string(bytes, size, &at);
	parts->directory = parts->id ? next_string(bytes, size, &at) : NULL;
	parts->log = parts->directory ? next_string(bytes, size, &at) : NULL;
	at = (at + 7) & ~(size_t)7;
	if (!parts->log || at > size)
		return false;
	return program_decode(bytes + at, size - at, &parts->program, bad) == 0 && parts->program.slots >= 3;
}

/* The bytes may not change under us, so they must be sealed. */
static const uint8_t *map_configuration(size_t *size)
{
	struct stat status;
	int seals = fcntl(CONFIGURATION_FD, F_GET_SEALS);
	void *bytes;

	if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK) ||
	    fstat(CONFIGURATION_FD, &status) < 0 || status.st_size <= 0 || status.st_size > MAX_CONFIGURATION)
		return NULL;
	*size = (size_t)status.st_size;
	bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, CONFIGURATION_FD, 0);
	close(CONFIGURATION_FD);
	return bytes == MAP_FAILED ? NULL : bytes;
}

/* Everything up to the running process. Returns 0, or 1 after the answer was given. What it needs is mapped and gone
 * again afterwards: the shim stays for as long as the container does. */
static int start(void)
{
	size_t size = 0, space;
	const uint8_t *bytes = map_configuration(&size);
	struct parts parts;
	struct outcome outcome;
	uint32_t bad = NO_OPERATION;
	char pid[24];
	int error;

	if (!bytes || !parse(bytes, size, &parts, &bad))
		return fail(STATUS_MALFORMED, bad, EINVAL);
	shim.rows = parts.configuration.rows;
	shim.columns = parts.configuration.columns;
	shim.expected = parts.configuration.expected;

	shim.directory = open(parts.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (shim.directory < 0)
		return fail(STATUS_FAILED, STAGE_DIRECTORY, errno);
	space = sizeof(struct context) + program_space(&parts.program);
	shim.context = (struct context *)(void *)map_memory(space);
	if (!shim.context)
		return fail(STATUS_FAILED, STAGE_STREAMS, ENOMEM);
	context_init(shim.context);
	shim.context->process = on_process;
	shim.context->hold = on_hold;
	shim.context->child = on_child;
	error = log_open(parts.log, parts.configuration.log_limit, parts.configuration.log_files);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_LOG, error);
	error = open_streams(parts.configuration.flags);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_STREAMS, error);
	put_text(put_number(pid, (uint64_t)getpid()), "\n");
	error = write_file("shim.pid", pid, 0600);
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_PID_FILE, error);
	error = open_socket();
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_SOCKET, error);

	error = program_run(&parts.program, shim.context, shim.context + 1, &outcome);
	if (error < 0)
		return fail(STATUS_FAILED, outcome.index, outcome.error);
	if (shim.pidfd < 0)
		return fail(STATUS_MALFORMED, NO_OPERATION, EINVAL);
	apply_size();
	error = take_terminal();
	if (error < 0)
		return fail(STATUS_FAILED, STAGE_TERMINAL, error);
	context_close(shim.context, 0);
	munmap(shim.context, space);
	shim.context = NULL;
	munmap((void *)(uintptr_t)bytes, size);
	return 0;
}

/* Children that only helped with the start have ended by now or will soon; nobody asks how. */
static void reap_helpers(void)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid > 0 && info.si_pid != shim.pid) {
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | __WALL);
		info.si_pid = 0;
	}
}

int shim_main(int argc, char **argv)
{
	const int deaf[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		signal(deaf[i], SIG_IGN);
	prctl(PR_SET_NAME, argv[0]);
	fcntl(REPLY_FD, F_SETFD, FD_CLOEXEC);
	if (chdir("/") < 0 || start() != 0)
		return 1;
	shim.started = (uint64_t)clock_now(CLOCK_REALTIME);
	answer(STATUS_DONE, 0, 0);
	shim.active_at = clock_now(CLOCK_MONOTONIC);
	shim.expected_until = shim.active_at + EXPECT_TIME;
	change_phase(PHASE_RUNNING);
	reap_helpers();
	while (!is_concluded())
		step();
	remove_traces();
	return 0;
}
