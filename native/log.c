/* The log: Docker's json-file, one record per line of output.
 *
 * When the file can't be written (a full disk), nothing is thrown away at first: records wait, nothing more is read, so
 * the container itself waits. A log must never stop a container for ever, so after PATIENCE records are dropped and
 * counted, and output flows again; the first record that fits afterwards says how many are missing. Where somebody else
 * must still get the records (journal.keep) the container waits as long as it takes. */
#include <stdio.h>
#include <sys/file.h>

#include "shim.h"
#include "wire.h"

#if defined(__GNUC__) && !defined(__clang__)
/* The rest of the binary is built for size; here every byte of output passes. */
#pragma GCC optimize("O2")
#endif

#define PATIENCE (10 * SECOND)
/* Every byte of a line may become six, and the rest of a record is short but for the attributes. */
#define RECORD_SIZE (LINE_SIZE * 6 + 256)
#define BATCH_SIZE 65536u
#define NEVER UINT32_MAX

static char path[4096];
static struct {
	int fd;
	uint64_t limit, size; /* size: of the file */
	uint32_t files;
	int64_t patience;
	bool keep;        /* a file begins only when the engine has marked the last one as sent */
	char *attributes; /* in every record, behind its stream */
	size_t room;      /* of out: BATCH_SIZE, a record, the attributes */
	char *out;
	uint32_t sent, length;
	uint32_t rotate_at;  /* the file is rotated before this byte of out is written, or NEVER */
	int64_t stuck_since; /* 0: not stuck */
	uint64_t lost;       /* records dropped that the log doesn't mention yet */
	int error;
} journal = { .fd = -1, .rotate_at = NEVER };

static int open_log(const char *name, int flags)
{
	return open(name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0640);
}

int log_open(const char *name, const char *attributes, const struct shim_configuration *configuration)
{
	struct stat status;
	char last;
	if (*name == '\0')
		return 0;
	/* Room for suffixes. */
	if (strlen(name) + 16 > sizeof(path))
		return -ENAMETOOLONG;
	put_text(path, name);
	journal.room = BATCH_SIZE + RECORD_SIZE + strlen(attributes);
	journal.out = map_memory(journal.room, MAP_PRIVATE);
	journal.attributes = strdup(attributes);
	if (!journal.out || !journal.attributes)
		return -ENOMEM;
	journal.fd = open_log(path, 0);
	if (journal.fd < 0 || fstat(journal.fd, &status) < 0)
		return -errno;
	journal.limit = configuration->log_limit;
	journal.files = configuration->log_files;
	journal.keep = configuration->flags & SHIM_LOG_KEEP;
	journal.patience = configuration->flags & SHIM_LOG_IMPATIENT ? 0 : PATIENCE;
	journal.size = (uint64_t)status.st_size;
	/* A shim that was killed while it wrote has left half a record: it may not spoil the next one. */
	if (status.st_size > 0 && pread(journal.fd, &last, 1, status.st_size - 1) == 1 && last != '\n')
		journal.out[journal.length++] = '\n';
	return 0;
}

/* x, x.1, x.2, …; number 0 is x itself. The engine compresses some of them: x.1.gz. */
static const char *numbered(char *name, uint32_t number, const char *suffix)
{
	char *end = put_text(name, path);
	if (number > 0)
		end = put_number(put_text(end, "."), number, 1);
	put_text(end, suffix);
	return name;
}

/* Whether another file may begin. The one before must be sent first: then it has the sticky bit, or is compressed. */
static bool may_rotate(void)
{
	char name[sizeof(path)];
	struct stat status;
	return !journal.keep || stat(numbered(name, 1, ""), &status) < 0 || (status.st_mode & S_ISVTX);
}

/* The new file exists under another name before the old one moves away, so at every moment but the one between two
 * renames there is a file at the log's path, and whatever fails leaves a log that goes on. */
static void rotate(void)
{
	static const char *const forms[] = { "", ".gz" };
	char from[sizeof(path)], to[sizeof(path)];
	uint32_t top = 1;
	put_text(put_text(from, path), ".new");
	int fd = open_log(from, O_TRUNC);
	if (fd < 0)
		return;
	/* The engine puts a compressed file in the place of another under the same lock. */
	flock(journal.fd, LOCK_EX);
	while (top + 1 < journal.files &&
	       (access(numbered(to, top, ""), F_OK) == 0 || access(numbered(to, top, ".gz"), F_OK) == 0))
		top++;
	for (uint32_t i = journal.files > 1 ? top : 0; i > 0; i--)
		for (int form = 0; form < 2; form++) {
			/* The oldest goes, in whichever form. */
			unlink(numbered(to, i, forms[form]));
			rename(numbered(from, i - 1, forms[form]), to);
		}
	put_text(put_text(from, path), ".new");
	rename(from, path);
	close(journal.fd);
	journal.fd = fd;
	journal.size = 0;
}

/* Writes out what is there. Returns whether all of it went. */
static bool flush(void)
{
	for (;;) {
		uint32_t end = journal.rotate_at < journal.length ? journal.rotate_at : journal.length;
		while (journal.sent < end) {
			ssize_t n = RETRY(write(journal.fd, journal.out + journal.sent, end - journal.sent));
			journal.error = n < 0 ? errno : ENOSPC;
			if (n <= 0)
				return false;
			journal.sent += (uint32_t)n;
			journal.size += (uint32_t)n;
		}
		if (journal.rotate_at == NEVER)
			break;
		/* After the exit little is left, and nobody may wait for it: the file becomes longer. */
		if (may_rotate())
			rotate();
		else if (!shim.exited)
			return false;
		journal.rotate_at = NEVER;
	}
	journal.sent = journal.length = 0;
	return true;
}

/* Drops what can't be written. The file ends with a whole record again. */
static void drop(void)
{
	uint32_t whole = journal.sent;
	/* A raw newline is only ever the end of a record. */
	while (whole > 0 && journal.out[whole - 1] != '\n')
		whole--;
	if (whole < journal.sent && ftruncate(journal.fd, (off_t)(journal.size - (journal.sent - whole))) == 0)
		journal.size -= journal.sent - whole;
	for (uint32_t i = whole; i < journal.length; i++)
		journal.lost += journal.out[i] == '\n';
	journal.sent = journal.length = 0;
	journal.rotate_at = NEVER;
	journal.stuck_since = 0;
}

/* Writes out, or decides what becomes of what can't be written. */
static void settle(int64_t now)
{
	if (flush()) {
		journal.stuck_since = 0;
		return;
	}
	if (journal.stuck_since == 0)
		journal.stuck_since = now;
	/* What somebody else must still get is worth waiting for, as long as there is a process that waits. */
	if (!(journal.keep && !shim.exited) && (journal.lost > 0 || now - journal.stuck_since >= journal.patience))
		drop();
}

bool log_held_up(void)
{
	return journal.stuck_since != 0;
}

void log_close(void)
{
	if (journal.fd >= 0)
		close(journal.fd);
	journal.fd = -1;
}

void log_rotate(int64_t now)
{
	if (journal.fd < 0)
		return;
	if (journal.rotate_at == NEVER)
		journal.rotate_at = journal.length;
	settle(now);
}

void log_give_back(void)
{
	if (journal.fd >= 0 && journal.length == 0)
		give_back(journal.out, 0, journal.room);
}

/* RFC3339Nano, as Go writes it: without the fraction's trailing zeros. */
static void format_time(char *at)
{
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	at += strftime(at, sizeof("2024-01-02T03:04:05"), "%Y-%m-%dT%H:%M:%S", &tm);
	at = put_number(put_text(at, "."), (uint64_t)now.tv_nsec, 9);
	while (at[-1] == '0')
		at--;
	put_text(at[-1] == '.' ? at - 1 : at, "Z");
}

/* Writes the one character at *in, which isn't plain, and moves *in on. */
static char *escape_one(char *out, const uint8_t **in, const uint8_t *end)
{
	const uint8_t *at = (*in)++;
	uint8_t c = *at;
	if (c < 0x80) {
		*out++ = '\\';
		*out++ = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '"' || c == '\\' ? (char)c : 'u';
		if (out[-1] != 'u')
			return out;
		out = put_text(out, "00");
		*out++ = "0123456789abcdef"[c >> 4];
		*out++ = "0123456789abcdef"[c & 15];
		return out;
	}
	int more = c < 0xc2 || c > 0xf4 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3, have = 0;
	uint32_t code = c & (0x3fu >> more);
	for (; have < more && *in < end && (**in & 0xc0) == 0x80; have++)
		code = code << 6 | (*(*in)++ & 0x3f);
	/* Go takes no overlong form and no surrogate, and a byte alone for what is no character. */
	if (more == 0 || have < more || code >> (5 * more + 1) == 0 || code > 0x10ffff || code >> 11 == 0x1b) {
		*in = at + 1;
		return put_text(out, "\\ufffd");
	}
	/* These separators end a line in JavaScript. */
	if (code == 0x2028 || code == 0x2029)
		return put_text(out, code == 0x2028 ? "\\u2028" : "\\u2029");
	memcpy(out, at, 4);
	return out + more + 1;
}

/* As the inside of a JSON string, sixteen plain bytes at a time. Behind either text there is room for as many. */
static char *escape(char *out, const uint8_t *in, const uint8_t *end)
{
	typedef int8_t block __attribute__((vector_size(16)));
	typedef uint64_t halves __attribute__((vector_size(16)));

	while (in < end) {
		block b;
		memcpy(&b, in, 16);
		memcpy(out, in, 16);
		/* Bytes from 0x80 on are negative here, so the first comparison finds them, too. */
		block odd = (b < 0x20) | (b == '"') | (b == '\\') | (b == '<') | (b == '>') | (b == '&');
		uint64_t low = ((halves)odd)[0], high = ((halves)odd)[1];
		int64_t plain = low ? __builtin_ctzll(low) / 8 : high ? 8 + __builtin_ctzll(high) / 8 : 16;
		if (plain > end - in)
			plain = end - in;
		in += plain;
		out += plain;
		if (plain < 16 && in < end)
			do
				out = escape_one(out, &in, end);
			while (in < end && *in >= 0x80);
	}
	return out;
}

/* Adds one record to what will be written. */
static void add(const struct stream *stream, const uint8_t *line, uint32_t length, bool newline)
{
	uint32_t start = journal.length;
	char *out = put_text(journal.out + start, "{\"log\":\"");
	out = escape(out, line, line + length);
	out = put_text(out, newline ? "\\n\",\"stream\":\"std" : "\",\"stream\":\"std");
	out = put_text(out, stream->number == 2 ? "err\"" : "out\"");
	out = put_text(put_text(out, journal.attributes), ",\"time\":\"");
	out = put_text(put_text(out, stream->stamp), "\"}\n");
	journal.length = (uint32_t)(out - journal.out);
	if (journal.limit > 0 && journal.size + start > 0 && journal.size + journal.length > journal.limit)
		journal.rotate_at = start;
}

/* Says how many records are missing, in a record of its own. */
static void confess(void)
{
	struct stream stream = { .number = 2 };
	char text[160], *at = put_number(put_text(text, "caisson: "), journal.lost, 1);
	at = put_text(put_text(at, " records lost here: the log could not be written: "), strerror(journal.error));
	format_time(stream.stamp);
	add(&stream, (const uint8_t *)text, (uint32_t)(at - text), true);
	if (flush()) {
		journal.lost = 0;
	} else {
		drop();
		journal.lost--; /* this record itself */
	}
}

/* Takes the next piece: a whole line, or 16 KiB of a longer one, or with `all` what is left. Returns whether it did. */
static bool take(struct stream *stream, bool all, const char *stamp)
{
	const uint8_t *line = stream->data + stream->begin;
	uint32_t length = stream->end - stream->begin;
	uint32_t within = length < LINE_SIZE ? length : LINE_SIZE;
	const uint8_t *newline = memchr(line, '\n', within);
	if (!newline && within < LINE_SIZE && !(all && length > 0))
		return false;
	length = newline ? (uint32_t)(newline - line) : within;
	if (!stream->partial)
		put_text(stream->stamp, stamp);
	add(stream, line, length, newline != NULL);
	stream->partial = !newline;
	stream->begin += length + (newline != NULL);
	return true;
}

void log_feed(struct stream *stream, bool all, int64_t now)
{
	char stamp[sizeof(stream->stamp)];
	if (journal.fd < 0) {
		stream->begin = stream->end = 0;
		return;
	}
	if (log_held_up())
		settle(now);
	format_time(stamp);
	if (journal.lost > 0 && !log_held_up())
		confess();
	while (!log_held_up() && take(stream, all, stamp))
		if (journal.length >= BATCH_SIZE || journal.rotate_at != NEVER)
			settle(now);
	if (!log_held_up())
		settle(now);
	/* What is left is less than a piece, unless the log is held up; then nothing is read and it may stay. */
	if (log_held_up() || stream->begin == 0)
		return;
	stream->end -= stream->begin;
	memmove(stream->data, stream->data + stream->begin, stream->end);
	stream->begin = 0;
}
