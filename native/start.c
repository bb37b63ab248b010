/* From a configuration to a running process. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "execute.h"
#include "shim.h"

/* A configuration, taken apart. It lies in mapped memory. */
struct parts {
	size_t size, space; /* space: for the context and what the program fills */
	const struct shim_configuration *header;
	const char *id, *directory, *log, *attributes;
	struct program program;
	struct context *context;
};

/* A process may close its terminal and open it again later, as systemd does with its console. While we hold the other
 * side open that isn't the end. */
static void open_peer(void)
{
	int master = shim.context->slots[SLOT_MASTER];
	if (shim.tty && master >= 0 && shim.peer < 0)
		shim.peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int on_process(int pid, int pidfd)
{
	int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	if (shim.pidfd >= 0)
		close(shim.pidfd);
	shim.pidfd = copy;
	shim.pid = pid;
	/* Usually the process waits for us now, so it finds its terminal as it should be. */
	apply_size();
	open_peer();
	return 0;
}

static int on_keep(int fd, int until)
{
	if (shim.kept[until].count == MAX_KEPT)
		return -ENOSPC;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy >= 0)
		shim.kept[until].of[shim.kept[until].count++] = copy;
	return copy < 0 ? -errno : 0;
}

void let_go(int until)
{
	for (int i = 0; i < shim.kept[until].count; i++)
		close(shim.kept[until].of[i]);
	shim.kept[until].count = 0;
}

static int on_hold(void)
{
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
static void on_child(void)
{
	const int own[] = { shim.directory, shim.listener, shim.pidfd, shim.peer, shim.input.fd,
			    shim.streams[0].fd, shim.streams[1].fd };
	static bool left;
	/* A child's child has nothing of ours any more: the numbers are somebody else's by then. */
	if (left)
		return;
	left = true;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] >= 0)
			close(own[i]);
	for (uint32_t i = 0; i < shim.client_count; i++)
		close(clients[i].fd);
	let_go(KEEP_LAST);
	let_go(KEEP_EXIT);
	log_close();
}

static int pipe_with(int *ours, int our_end, int *theirs)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = ends[our_end];
	*theirs = ends[1 - our_end];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* The container's ends go into the slots, ours into the streams. */
static int open_streams(struct parts *parts)
{
	shim.context = parts->context = map_memory(parts->space, MAP_PRIVATE);
	if (!shim.context)
		return -ENOMEM;
	context_init(shim.context);
	shim.context->process = on_process;
	shim.context->hold = on_hold;
	shim.context->keep = on_keep;
	shim.context->child = on_child;

	int *slots = shim.context->slots, error = 0;
	if (shim.tty || !shim.input.open)
		error = (slots[0] = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0 ? -errno : 0;
	else
		error = pipe_with(&shim.input.fd, 1, &slots[0]);
	for (int i = 0; error == 0 && i < (shim.tty ? 1 : 2); i++) {
		shim.streams[i].data = map_memory(LINE_SIZE + READ_SIZE + BLOCK_SIZE, MAP_PRIVATE);
		error = shim.streams[i].data == NULL ? -ENOMEM : shim.tty ? 0 : pipe_with(&shim.streams[i].fd, 0, &slots[1 + i]);
		/* More than the kernel allows is less than was asked for, no error. */
		if (error == 0 && !shim.tty && parts->header->pipe_size > 0)
			fcntl(shim.streams[i].fd, F_SETPIPE_SZ, (int)parts->header->pipe_size);
	}
	return error;
}

static int take_terminal(void)
{
	int master = shim.context->slots[SLOT_MASTER];
	if (!shim.tty)
		return 0;
	if (master < 0)
		return -EBADF;
	apply_size();
	open_peer();
	shim.context->slots[SLOT_MASTER] = -1;
	shim.streams[0].fd = shim.input.fd = master;
	fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
	return 0;
}

void remove_traces(void)
{
	unlinkat(shim.directory, "shim.sock", 0);
}

static int fail(uint32_t index, int error)
{
	/* When the program was done already. */
	children_forget(END_ALL);
	if (shim.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, shim.pidfd, SIGKILL, NULL, 0);
	if (shim.directory >= 0)
		remove_traces();
	shim.failure.index = index;
	shim.failure.error = (uint32_t)error;
	change_phase(PHASE_FAILED);
	return 1;
}

/* Waits for work, which may take long: a shim is started before it is needed. Exits if it isn't any more. Returns whether
 * there is a configuration in what came; the connection is for control from then on. */
static bool read_configuration(struct parts *parts)
{
	struct client *client = &clients[shim.client_count++];
	client->fd = (int)RETRY(accept4(shim.listener, NULL, NULL, SOCK_CLOEXEC));
	if (!receive(client->fd, &client->in, sizeof(client->in)) || client->in.kind != CLIENT_START)
		_exit(0);
	parts->size = client->in.number;
	uint8_t *bytes = map_memory(parts->size, MAP_PRIVATE);
	size_t at = sizeof(*parts->header);
	if (bytes != NULL && !receive(client->fd, bytes, parts->size))
		_exit(0);
	client->kind = CLIENT_CONTROL;
	change_phase(PHASE_STARTING);
	if (bytes == NULL || at > parts->size)
		return false;
	parts->header = (const void *)bytes;
	if (parts->header->magic != SHIM_MAGIC || parts->header->log_files == 0)
		return false;
	/* Nobody ignores SIGALRM here: one that takes longer is killed. */
	alarm(parts->header->deadline);
	const char **texts[] = { &parts->id, &parts->directory, &parts->log, &parts->attributes };
	for (int i = 0; i < 4; i++)
		if ((*texts[i] = configuration_string(bytes, parts->size, &at)) == NULL)
			return false;
	at = (at + 7) & ~(size_t)7;
	if (at > parts->size || program_open(bytes + at, parts->size - at, &parts->program) < 0)
		return false;
	parts->space = sizeof(struct context) + program_space(&parts->program);
	return parts->program.slots >= 3;
}

/* Children that only helped with the start end by themselves; nobody asks how. */
void reap_helpers(void)
{
	siginfo_t info = { 0 };
	const int look = WEXITED | WNOHANG | WNOWAIT | __WALL;
	while (waitid(P_ALL, 0, &info, look) == 0 && info.si_pid > 0 && info.si_pid != shim.pid) {
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | __WALL);
		info.si_pid = 0;
	}
}

/* Whoever lists processes sees the id, as far as there is room for it. */
static void show_id(char *title, const char *id)
{
	size_t room = strlen(title), length = strlen(id);
	memset(title, 0, room);
	memcpy(title, id, length < room ? length : room);
}

/* What starting takes. Unmapping it waits until there is time for it: the shim stays for as long as the container does. */
static struct parts parts;

void start_give_back(void)
{
	if (parts.header == NULL)
		return;
	munmap((void *)(uintptr_t)parts.header, parts.size);
	munmap(parts.context, parts.space);
	parts.header = NULL;
}

int start(char *title)
{
	fcntl(shim.listener, F_SETFD, FD_CLOEXEC);
	if (!read_configuration(&parts))
		return fail(NO_OPERATION, MALFORMED);
	fcntl(shim.listener, F_SETFL, O_NONBLOCK);
	show_id(title, parts.id);
	uint32_t flags = parts.header->flags;
	shim.tty = flags & SHIM_TTY;
	shim.input.once = flags & SHIM_STDIN_ONCE;
	shim.input.open = flags & SHIM_OPEN_STDIN;
	shim.input.full = true;
	shim.rows = parts.header->rows;
	shim.columns = parts.header->columns;
	shim.expected = parts.header->expected;
	int error;
	/* What fails before or after the program is told by an index of no operation. */
	if ((shim.directory = open(parts.directory, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return fail(0xfffffff0, errno);
	/* From here on it goes its way, whatever becomes of those who started it, and can be found by its name. */
	if (renameat(shim.directory, "new.sock", shim.directory, "shim.sock") < 0)
		return fail(0xfffffff1, errno);
	prctl(PR_SET_PDEATHSIG, 0);
	if ((error = log_open(parts.log, parts.attributes, parts.header)) < 0)
		return fail(0xfffffff3, -error);
	if ((error = open_streams(&parts)) < 0)
		return fail(0xfffffff4, -error);

	struct outcome outcome = program_run(&parts.program, shim.context, shim.context + 1);
	if (outcome.error != 0)
		return fail(outcome.index, outcome.error);
	if (shim.pidfd < 0)
		return fail(NO_OPERATION, MALFORMED);
	if ((error = take_terminal()) < 0)
		return fail(0xfffffff5, -error);
	shim.started = (uint64_t)clock_now(CLOCK_REALTIME);
	alarm(0);
	change_phase(PHASE_RUNNING);
	for (uint32_t i = 0; i < MAX_SLOTS; i++)
		slot_set(shim.context, i, -1);
	shim.context = NULL;
	reap_helpers();
	return 0;
}
