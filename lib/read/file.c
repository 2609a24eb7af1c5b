/* SPDX-License-Identifier: LGPL-2.1 */
/* Opening a recording: its head, and the parts that versions 6 and 7 share. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define MAX_FORMATS 65536
#define MAX_COMMS   65536

int hvst_file_fail(struct hvst_file *f, int code, const char *fmt, ...)
{
	char msg[HVST_PATH_ERR];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (f->errlen)
		snprintf(f->err, f->errlen, "%s: %s", f->path, msg);
	return code;
}

int hvst_file_bad(struct hvst_file *f, const struct hvst_cursor *c, const char *what)
{
	if (c->io == &f->io && c->need > f->io.size)
		return hvst_file_fail(f, -EBADMSG,
				      "cut off or corrupt: the %s at offset %llu needs more than "
				      "the %llu bytes there are",
				      what, (unsigned long long)c->pos,
				      (unsigned long long)f->io.size);
	return hvst_file_fail(f, -EBADMSG, "corrupt: the %s at offset %llu%s makes no sense", what,
			      (unsigned long long)c->pos,
			      c->io == &f->io ? "" : " of the unpacked section");
}

static int text_of(struct hvst_file *f, struct hvst_cursor *c, const char *what, char **text,
		   uint64_t *len)
{
	*len = hvst_cursor_u64(c);
	*text = c->bad ? NULL : hvst_cursor_dup(c, *len, HVST_MAX_FORMAT);
	return *text ? 0 : hvst_file_bad(f, c, what);
}

/* The sub-buffer's head: a time stamp, the commit word, then the data. */
static int use_header_page(struct hvst_file *f, const struct hvst_format *fmt)
{
	const struct hvst_format_field *ts = hvst_format_field(fmt, "timestamp");
	const struct hvst_format_field *commit = hvst_format_field(fmt, "commit");
	const struct hvst_format_field *data = hvst_format_field(fmt, "data");

	if (!ts || !commit || !data)
		return hvst_file_fail(f, -EBADMSG,
				      "corrupt: header_page lacks timestamp, commit or data");
	if (commit->size == 4)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded by a 32-bit kernel, which is not supported");
	f->data_offset = data->offset;
	/* libtracecmd would read it, but as if it were the usual one */
	if (ts->offset || ts->size != 8 || commit->offset != 8 || commit->size != 8 ||
	    data->offset != 16)
		return hvst_file_fail(f, -EOPNOTSUPP, "sub-buffers with an unusual head");
	return 0;
}

int hvst_file_read_header_info(struct hvst_file *f, struct hvst_cursor *c)
{
	struct hvst_format fmt;
	char magic[13], *text;
	uint64_t len;
	int rc;

	if (!hvst_cursor_bytes(c, magic, 12) || memcmp(magic, "header_page", 12))
		return hvst_file_bad(f, c, "header_page");
	rc = text_of(f, c, "header_page", &text, &len);
	if (rc)
		return rc;
	rc = hvst_format_parse(&fmt, "", text, (size_t)len);
	free(text);
	if (rc)
		return hvst_file_fail(f, rc == -EINVAL ? -EBADMSG : rc,
				      "corrupt: header_page is no format");
	rc = use_header_page(f, &fmt);
	free(fmt.fields);
	if (rc)
		return rc;
	if (!hvst_cursor_bytes(c, magic, 13) || memcmp(magic, "header_event", 13))
		return hvst_file_bad(f, c, "header_event");
	hvst_cursor_skip(c, hvst_cursor_u64(c));
	return c->bad ? hvst_file_bad(f, c, "header_event") : 0;
}

static bool is_wanted(const struct hvst_file *f, const char *system)
{
	for (const char *const *s = f->systems; s && *s; s++)
		if (!strcmp(*s, system))
			return true;
	return !f->systems;
}

static int add_format(struct hvst_file *f, const char *system, const char *text, size_t len)
{
	struct hvst_format *fmts = f->formats;
	int rc;

	if (f->nr_formats == MAX_FORMATS)
		return -EINVAL;
	if (!(f->nr_formats & (f->nr_formats - 1))) {
		fmts = realloc(fmts, (f->nr_formats ? 2 * f->nr_formats : 1) * sizeof(*fmts));
		if (!fmts)
			return -ENOMEM;
		f->formats = fmts;
	}
	rc = hvst_format_parse(&fmts[f->nr_formats], system, text, len);
	if (!rc)
		f->nr_formats++;
	return rc;
}

/* @system NULL: the formats are only stepped over. */
int hvst_file_read_formats(struct hvst_file *f, struct hvst_cursor *c, const char *system)
{
	uint32_t n = hvst_cursor_u32(c);

	if (n > MAX_FORMATS)
		return hvst_file_bad(f, c, "number of event formats");
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		uint64_t at = c->pos, len;
		char *text;
		int rc;

		if (!system) {
			hvst_cursor_skip(c, hvst_cursor_u64(c));
			continue;
		}
		rc = text_of(f, c, "event format", &text, &len);
		if (rc)
			return rc;
		rc = add_format(f, system, text, (size_t)len);
		free(text);
		if (rc)
			return hvst_file_fail(f, rc == -EINVAL ? -EBADMSG : rc,
					      "corrupt: the event format "
					      "at offset %llu cannot be read",
					      (unsigned long long)at);
	}
	return c->bad ? hvst_file_bad(f, c, "event formats") : 0;
}

int hvst_file_read_systems(struct hvst_file *f, struct hvst_cursor *c)
{
	uint32_t n = hvst_cursor_u32(c);
	char system[64];

	if (n > MAX_FORMATS)
		return hvst_file_bad(f, c, "number of event systems");
	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (!hvst_cursor_str(c, system, sizeof(system)))
			return hvst_file_bad(f, c, "name of an event system");
		rc = hvst_file_read_formats(f, c, is_wanted(f, system) ? system : NULL);
		if (rc)
			return rc;
	}
	return c->bad ? hvst_file_bad(f, c, "event formats") : 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct hvst_comm *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* One line of saved_cmdlines: "PID COMM". Others are left out. */
static void add_comm(struct hvst_file *f, const char *line)
{
	struct hvst_comm *c = &f->comms[f->nr_comms];
	char *end;
	long pid = strtol(line, &end, 10);

	if (end == line || *end != ' ' || pid < 0 || pid > INT32_MAX)
		return;
	c->pid = (int)pid;
	snprintf(c->comm, sizeof(c->comm), "%.15s", end + 1);
	f->nr_comms++;
}

static int parse_comms(struct hvst_file *f, char *text)
{
	unsigned int lines = 1;
	char *save = NULL;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (lines > MAX_COMMS)
		lines = MAX_COMMS;
	free(f->comms);
	f->nr_comms = 0;
	f->comms = calloc(lines, sizeof(*f->comms));
	if (!f->comms)
		return -ENOMEM;
	for (char *l = strtok_r(text, "\n", &save); l && f->nr_comms < lines;
	     l = strtok_r(NULL, "\n", &save))
		add_comm(f, l);
	qsort(f->comms, f->nr_comms, sizeof(*f->comms), by_pid);
	return 0;
}

int hvst_file_read_comms(struct hvst_file *f, struct hvst_cursor *c)
{
	uint64_t len = hvst_cursor_u64(c);
	char *text = c->bad ? NULL : hvst_cursor_dup(c, len, HVST_MAX_META);
	int rc;

	if (!text)
		return hvst_file_bad(f, c, "saved command lines");
	rc = parse_comms(f, text);
	free(text);
	return rc ? hvst_file_fail(f, rc, "out of memory") : 0;
}

const char *hvst_file_comm(const struct hvst_file *f, int pid)
{
	struct hvst_comm key = { .pid = pid };
	const struct hvst_comm *c;

	c = f->nr_comms ? bsearch(&key, f->comms, f->nr_comms, sizeof(key), by_pid) : NULL;
	return c ? c->comm : "";
}

const char *hvst_file_guest(const struct hvst_file *f, int tid, int *vcpu)
{
	for (unsigned int i = 0; i < f->nr_guests; i++) {
		for (unsigned int c = 0; c < f->guests[i].nr; c++) {
			if (f->guests[i].tids[c] != tid)
				continue;
			*vcpu = (int)c;
			return f->guests[i].name;
		}
	}
	return NULL;
}

struct hvst_file_buffer *hvst_file_add_buffer(struct hvst_file *f, const char *name,
					      const char *clock)
{
	struct hvst_file_buffer *b;

	if (f->nr_buffers >= HVST_MAX_BUFFERS)
		return NULL;
	b = realloc(f->buffers, (f->nr_buffers + 1) * sizeof(*b));
	if (!b)
		return NULL;
	f->buffers = b;
	b += f->nr_buffers;
	memset(b, 0, sizeof(*b));
	b->name = strdup(name);
	b->clock = strdup(clock);
	b->page_size = f->page_size;
	f->nr_buffers++;
	return b->name && b->clock ? b : NULL;
}

int hvst_file_add_cpu(struct hvst_file *f, struct hvst_file_buffer *b, unsigned int cpu,
		      uint64_t offset, uint64_t size)
{
	struct hvst_cpu_data *d;

	if (cpu >= HVST_MAX_CPUS || b->nr_cpus >= HVST_MAX_CPUS)
		return hvst_file_fail(f, -EBADMSG, "corrupt: CPU %u is beyond the %u supported",
				      cpu, HVST_MAX_CPUS);
	if (offset > f->io.size || size > f->io.size - offset) {
		f->truncated_at = (int64_t)f->io.size;
		offset = offset < f->io.size ? offset : f->io.size;
		size = f->io.size - offset;
	}
	/* else a small file could ask for any amount of work */
	f->data_bytes += size;
	if (f->data_bytes > f->io.size)
		return hvst_file_fail(
			f, -EBADMSG,
			"corrupt: CPU %u's data at offset %llu is another CPU's as well", cpu,
			(unsigned long long)offset);
	d = realloc(b->cpus, (b->nr_cpus + 1) * sizeof(*d));
	if (!d)
		return hvst_file_fail(f, -ENOMEM, "out of memory");
	b->cpus = d;
	d[b->nr_cpus++] = (struct hvst_cpu_data){ .cpu = cpu, .offset = offset, .size = size };
	return 0;
}

static int read_head(struct hvst_file *f, uint64_t *pos)
{
	struct hvst_cursor c;
	char version[8] = "";
	uint8_t magic[10], endian, longs;

	hvst_cursor_init(&c, &f->io, 0, f->io.size);
	hvst_cursor_bytes(&c, magic, sizeof(magic));
	if (c.bad || memcmp(magic, "\x17\x08\x44tracing", sizeof(magic)))
		return hvst_file_sniff(f);
	if (!hvst_cursor_str(&c, version, sizeof(version)))
		return hvst_file_bad(f, &c, "version");
	hvst_cursor_bytes(&c, &endian, 1);
	hvst_cursor_bytes(&c, &longs, 1);
	f->page_size = hvst_cursor_u32(&c);
	if (c.bad)
		return hvst_file_bad(f, &c, "header");
	f->version = version[1] ? 0 : version[0] - '0';
	if (f->version != 6 && f->version != 7)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "trace.dat of version %.7s; versions 6 and 7 are supported: "
				      "convert it with 'trace-cmd convert'",
				      version);
	if (endian)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded on a big-endian machine, which is not supported "
				      "(and has no KVM Hyper-V timers)");
	if (longs != 8)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded by a 32-bit trace-cmd, which is not supported");
	if (f->page_size < 512 || f->page_size > HVST_MAX_PAGE)
		return hvst_file_fail(f, -EBADMSG, "corrupt: a page size of %u", f->page_size);
	*pos = c.pos;
	return 0;
}

static int walk(struct hvst_file *f)
{
	uint64_t pos;
	int rc = read_head(f, &pos);

	if (rc)
		return rc;
	return f->version == 6 ? hvst_file_walk6(f, pos) : hvst_file_walk7(f, pos);
}

static int init(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		size_t errlen)
{
	memset(f, 0, sizeof(*f));
	f->io.fd = -1;
	f->truncated_at = -1;
	f->systems = systems;
	f->err = err;
	f->errlen = errlen;
	if (errlen)
		err[0] = '\0';
	f->path = strdup(path);
	if (f->path)
		return 0;
	if (errlen)
		snprintf(err, errlen, "%s: out of memory", path);
	return -ENOMEM;
}

static int check_kind(struct hvst_file *f)
{
	struct stat st;

	if (fstat(f->io.fd, &st))
		return hvst_file_fail(f, -errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return hvst_file_fail(f, -EISDIR, "is a directory; a trace.dat is needed");
	if (!S_ISREG(st.st_mode))
		return hvst_file_fail(
			f, -ESPIPE,
			"is no regular file: a trace.dat is read from many places at "
			"once, which a pipe or device cannot do; save it to a file first");
	f->io.size = (uint64_t)st.st_size;
	return 0;
}

int hvst_file_open(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		   size_t errlen)
{
	int rc = init(f, path, systems, err, errlen);

	if (rc)
		return rc;
	/* O_NONBLOCK: a FIFO without a writer must not hang us */
	f->io.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->io.fd < 0)
		return hvst_file_fail(f, -errno, "%s", strerror(errno));
	rc = check_kind(f);
	return rc ? rc : walk(f);
}

int hvst_file_open_mem(struct hvst_file *f, const void *mem, size_t size,
		       const char *const *systems, char *err, size_t errlen)
{
	int rc = init(f, "memory", systems, err, errlen);

	if (rc)
		return rc;
	f->io.mem = mem;
	f->io.size = size;
	return walk(f);
}

void hvst_file_close(struct hvst_file *f)
{
	for (unsigned int i = 0; i < f->nr_buffers; i++) {
		free(f->buffers[i].name);
		free(f->buffers[i].clock);
		free(f->buffers[i].cpus);
	}
	for (unsigned int i = 0; i < f->nr_formats; i++)
		free(f->formats[i].fields);
	for (unsigned int i = 0; i < f->nr_shift; i++)
		free(f->shift[i].samples);
	for (unsigned int i = 0; i < f->nr_guests; i++)
		free(f->guests[i].tids);
	free(f->guests);
	free(f->shift);
	free(f->buffers);
	free(f->formats);
	free(f->comms);
	free(f->clock);
	free(f->uname);
	free(f->path);
	if (f->io.fd >= 0)
		close(f->io.fd);
	memset(f, 0, sizeof(*f));
	f->io.fd = -1;
}
