/* The shim: one small process per container (and per exec) that holds its standard streams, writes its log, serves
 * attached clients and records its exit. PROTOCOL.md, section 3. */
#pragma once

#include "native.h"
#include "wire.h"

/* The role `shim`. Returns the process's exit code. */
int shim_main(int argc, char **argv);

#define MILLISECOND 1000000ll
#define SECOND 1000000000ll
#define EXPECT_TIME (10 * SECOND) /* expected attaches hold the output so long */
#define LINE_SIZE 16384u          /* a line of the log holds at most so many bytes of output, as Docker cuts them */
#define READ_SIZE 65536u          /* so much is read from the container at once */
#define BLOCK_SIZE 16u            /* the log looks so far beyond a text's end */

/* One way out of the container. The buffer starts with the beginning of a line that isn't whole yet; what is read next
 * lands behind it. It is mapped memory: untouched pages cost nothing. */
struct stream {
	int fd;              /* -1: ended */
	uint8_t number;      /* 1 stdout, 2 stderr */
	uint8_t *data;       /* LINE_SIZE + READ_SIZE + BLOCK_SIZE */
	uint32_t begin, end; /* what the log has not taken yet */
	uint32_t owed;       /* after the exit: so much is read even while a client is behind */
	bool partial;        /* the pieces before belong to the same line, and so they share its time */
	char stamp[32];
};

struct client {
	int fd;
	uint8_t kind;     /* CLIENT_*: new until it has said hello */
	uint8_t flags;    /* ATTACH_* */
	uint8_t have;     /* bytes in `in` */
	bool gone;        /* the other side has hung up: only its last input may still be there */
	struct shim_message in;
	uint8_t *pending; /* the frame that the client has not taken yet; mapped */
	uint32_t begin, end;
};

enum { MAX_CLIENTS = 128, SLOT_MASTER = 3, MAX_KEPT = 256 };

extern struct shim {
	int directory, listener, pidfd; /* -1: none */
	int peer;                       /* the terminal's other side, kept open until the exit */
	struct { int count, of[MAX_KEPT]; } kept[2]; /* what KEEP named, by when it is closed */
	struct context *context;        /* while the program runs */
	enum shim_phase phase;
	struct { uint32_t index, error; } failure;
	bool tty, go, exited;
	int32_t pid, code, signal;
	uint64_t started, finished; /* ns since the epoch */
	uint16_t rows, columns;
	uint32_t expected; /* attaches that must still come */
	int64_t expected_until;
	struct {
		int fd;
		bool open;
		bool once;    /* closed when the client that brings it ends */
		bool full;    /* wait until it takes more, or until the process runs */
		bool closing; /* closed as soon as what the clients have sent is through */
	} input;
	struct stream streams[2];
	uint32_t client_count;
} shim;
extern struct client clients[MAX_CLIENTS];

/* attach.c */
bool attach_wants_input(const struct client *client);
void attach_input(struct client *client); /* moves what arrived to the container */
void attach_output(struct client *client, uint8_t number, const uint8_t *data, size_t length);
void attach_flush(struct client *client);
void attach_give_back(struct client *client);
void client_close(struct client *client);
void input_close(void);

/* log.c */
int log_open(const char *path, const char *attributes, const struct shim_configuration *); /* an empty path: no log */
void log_feed(struct stream *stream, bool all, int64_t now);    /* takes whole lines, or all; tries when held up */
bool log_held_up(void);                                         /* the file takes nothing: read nothing more */
void log_rotate(int64_t now);
void log_close(void);
void log_give_back(void);

/* control.c */
void change_phase(enum shim_phase phase);
void apply_size(void); /* of the terminal */
void accept_clients(void);
struct pollfd poll_client(const struct client *client); /* what it waits for; its fd may be -1 */
void serve_client(struct client *client, short events);
void sweep_clients(void); /* closes what is over, and with it the gaps */

/* start.c */
int start(char *title); /* everything up to the running process: 0, or 1 after its state said why not */
void start_give_back(void); /* the memory that starting took */
void let_go(int until); /* of what was kept */
void remove_traces(void);
void reap_helpers(void); /* of the start, as far as they have ended */

/* shim.c */
void step(void); /* waits for the next thing and does it */
