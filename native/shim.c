/* The shim: its loop, the container's output, the exit. */
#include <stdio.h>
#include <sys/ioctl.h>

#include "execute.h"
#include "shim.h"

#define SILENCE_TIME (200 * MILLISECOND)     /* after the exit: an output that others hold open has ended */
#define DRAIN_TIME (10 * SECOND)             /* after the exit: nobody keeps it open longer than that */
#define IDLE_TIME SECOND
#define TICK 100 /* ms: how precise all of these are */
#define RECORD_RETRY_TIME SECOND
#define NEVER INT64_MAX

struct shim shim = {
	.directory = -1, .listener = SHIM_LISTENER, .pidfd = -1, .peer = -1, .input = { .fd = -1 },
	.streams = { { .fd = -1, .number = 1 }, { .fd = -1, .number = 2 } },
};
struct client clients[MAX_CLIENTS];
static int64_t exited_at, output_at; /* output_at: when there was some last, after the exit */
static int64_t record_at;            /* when the exit record is tried (again); NEVER: it is written */
static int64_t active_at;            /* 0: idle memory was given back */

static bool is_client_behind(void)
{
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].begin < clients[i].end)
			return true;
	return false;
}

static bool may_read(const struct stream *stream, int64_t now)
{
	bool expecting = shim.expected > 0 && now < shim.expected_until;
	if (stream->fd < 0 || shim.phase < PHASE_RUNNING || expecting || log_held_up())
		return false;
	/* A client that takes nothing stops the container, but not the log and the record of one that has ended. */
	return (shim.exited && stream->owed > 0) || !is_client_behind();
}

static void end_stream(struct stream *stream, int64_t now)
{
	close(stream->fd);
	stream->fd = -1;
	if (shim.tty)
		shim.input.open = false;
	log_feed(stream, true, now);
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
	output_at = now;
	for (uint32_t i = 0; i < shim.client_count; i++)
		attach_output(&clients[i], stream->number, stream->data + stream->end, (size_t)n);
	stream->end += (uint32_t)n;
	stream->owed -= stream->owed < (uint32_t)n ? stream->owed : (uint32_t)n;
	log_feed(stream, false, now);
}

static void process_exited(int64_t now)
{
	siginfo_t info = { 0 };
	bool known = waitid(P_PIDFD, (id_t)shim.pidfd, &info, WEXITED | __WALL) == 0;
	/* Of one that isn't our child nobody tells us how it ended. */
	shim.signal = known && info.si_code != CLD_EXITED ? info.si_status : 0;
	shim.code = !known ? 255 : shim.signal > 0 ? 128 + shim.signal : info.si_status;
	shim.finished = (uint64_t)clock_now(CLOCK_REALTIME);
	shim.exited = true;
	exited_at = output_at = now;
	close(shim.pidfd);
	shim.pidfd = -1;
	/* When this returns they are gone, and with them what they held. */
	children_forget(END_ALL);
	let_go(KEEP_EXIT);
	input_close();
	if (shim.peer >= 0)
		close(shim.peer);
	shim.peer = -1;
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &shim.streams[i];
		int unread = 0;
		/* All of it is in the pipe now; a terminal doesn't say how much it holds. One more, to see the end. */
		if (stream->fd >= 0 && (shim.tty || ioctl(stream->fd, FIONREAD, &unread) < 0))
			unread = READ_SIZE;
		stream->owed = (uint32_t)unread + 1;
	}
}

/* Ends what somebody else holds open. `idle`: poll() had nothing for us. */
static void end_silent_streams(bool idle, int64_t now)
{
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &shim.streams[i];
		if (stream->fd < 0)
			continue;
		if (!may_read(stream, now))
			output_at = now;
		if ((idle && now - output_at >= SILENCE_TIME) || (stream->owed == 0 && now - exited_at >= DRAIN_TIME))
			end_stream(stream, now);
	}
}

/* Whole or not at all: the name appears when the content is there. */
static int write_record(void)
{
	int fd = openat(shim.directory, "exit.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	const char *format = "{\"pid\":%d,\"code\":%d,\"signal\":%d,\"started\":\"%llu\",\"finished\":\"%llu\"}\n";
	int written = dprintf(fd, format, shim.pid, shim.code, shim.signal, (unsigned long long)shim.started,
			      (unsigned long long)shim.finished);
	close(fd);
	/* dprintf() doesn't tell a write that was cut short from one that failed; either way the disk is full. */
	return written < 0 ? -ENOSPC : renameat(shim.directory, "exit.new", shim.directory, "exit") < 0 ? -errno : 0;
}

/* Once nothing more can come: the record, the news, the rest for the clients, good-bye. */
static void conclude(int64_t now)
{
	for (int i = 0; i < 2; i++)
		if (shim.streams[i].fd >= 0 || shim.streams[i].end > 0)
			return;
	if (log_held_up() || now < record_at)
		return;
	/* The engine hears of it first: if it dies before it has written that down, there is the record. */
	if (shim.phase != PHASE_EXITED)
		change_phase(PHASE_EXITED);
	if (record_at != NEVER) {
		int error = write_record();
		/* Without its directory nobody looks for the record. Anything else may pass, as a full disk. */
		record_at = error == 0 || error == -ENOENT ? NEVER : now + RECORD_RETRY_TIME;
	}
}

static bool is_concluded(void)
{
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].kind == CLIENT_ATTACH)
			return false;
	return shim.phase == PHASE_EXITED && record_at == NEVER;
}

static void rest(void)
{
	for (int i = 0; i < 2; i++)
		if (shim.streams[i].data)
			give_back(shim.streams[i].data, shim.streams[i].end, LINE_SIZE + READ_SIZE);
	for (uint32_t i = 0; i < shim.client_count; i++)
		attach_give_back(&clients[i]);
	log_give_back();
	start_give_back();
	/* One that was still on its way out when the process ran. */
	reap_helpers();
	active_at = 0;
}

/* A shim that is held still needs its program. */
static bool may_rest(void)
{
	return active_at > 0 && shim.phase >= PHASE_RUNNING;
}

/* Milliseconds until something may be due; -1: nothing. */
static int time_to_wait(int64_t now)
{
	bool expecting = shim.phase >= PHASE_RUNNING && shim.expected > 0 && now < shim.expected_until;
	bool ending = shim.exited && (shim.phase != PHASE_EXITED || record_at != NEVER);
	return expecting || ending || log_held_up() ? TICK : may_rest() ? (int)(IDLE_TIME / MILLISECOND) : -1;
}

void step(void)
{
	enum { LISTENER, PROCESS, INPUT, OUTPUT, FIXED = OUTPUT + 2 };
	struct pollfd set[FIXED + MAX_CLIENTS];
	/* Here everybody has heard of the exit, and who was served is gone: nobody waits for what this may take. */
	if (shim.phase == PHASE_EXITED && record_at == NEVER)
		let_go(KEEP_LAST);
	int64_t now = clock_now(CLOCK_MONOTONIC);
	uint32_t polled = shim.client_count;
	bool wants_room = shim.phase >= PHASE_RUNNING && shim.input.open && shim.input.full;

	set[LISTENER] = (struct pollfd){ polled < MAX_CLIENTS ? shim.listener : -1, POLLIN, 0 };
	set[PROCESS] = (struct pollfd){ shim.pidfd, POLLIN, 0 };
	set[INPUT] = (struct pollfd){ wants_room ? shim.input.fd : -1, POLLOUT, 0 };
	for (int i = 0; i < 2; i++) {
		const struct stream *stream = &shim.streams[i];
		set[OUTPUT + i] = (struct pollfd){ may_read(stream, now) ? stream->fd : -1, POLLIN, 0 };
	}
	for (uint32_t i = 0; i < polled; i++)
		set[FIXED + i] = poll_client(&clients[i]);
	int ready = poll(set, FIXED + polled, time_to_wait(now));
	if (ready < 0)
		return;
	now = clock_now(CLOCK_MONOTONIC);

	if (ready > 0)
		active_at = now;
	else if (may_rest() && now - active_at >= IDLE_TIME)
		rest();
	bool held_up = log_held_up();
	for (int i = 0; i < 2 && held_up; i++)
		log_feed(&shim.streams[i], shim.streams[i].fd < 0, now);
	for (uint32_t i = 0; i < polled; i++)
		if (set[FIXED + i].fd >= 0 && set[FIXED + i].revents)
			serve_client(&clients[i], set[FIXED + i].revents);
	if (set[LISTENER].revents)
		accept_clients();
	if (set[INPUT].revents & POLLERR)
		input_close();
	else if (set[INPUT].revents)
		shim.input.full = false;
	for (int i = 0; i < 2; i++)
		if (set[OUTPUT + i].revents && may_read(&shim.streams[i], now))
			read_stream(&shim.streams[i], now);
	if (set[PROCESS].revents && shim.phase >= PHASE_RUNNING)
		process_exited(now);
	else if (set[PROCESS].revents)
		shim.go = true; /* died while it was held: its program will notice */
	if (shim.exited && shim.phase != PHASE_EXITED)
		end_silent_streams(ready == 0, now);
	if (shim.exited && record_at != NEVER)
		conclude(now);
	sweep_clients();
}

int shim_main(int argc, char **argv)
{
	/* argv[1] is the id, for those who list processes, or room for it. */
	if (argc != 2)
		return 2;
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (chdir("/") < 0 || start(argv[1]) != 0)
		return 1;
	active_at = clock_now(CLOCK_MONOTONIC);
	shim.expected_until = active_at + EXPECT_TIME;
	while (!is_concluded())
		step();
	remove_traces();
	let_go(KEEP_LAST);
	return 0;
}
