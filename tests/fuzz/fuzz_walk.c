// SPDX-License-Identifier: GPL-2.0
/* The walk over header, sections and options of a whole file, version 6 or 7. */
#include "../../lib/file/open.h"
#include "fuzz.h"

static void check_buffer(const struct hvst_file *f, const struct hvst_file_buffer *b)
{
	PROMISE(b->name && b->clock);
	PROMISE(b->text || (b->page_size >= 512 && b->page_size <= HVST_MAX_PAGE));
	PROMISE(b->nr_cpus <= HVST_MAX_CPUS);
	for (unsigned int i = 0; i < b->nr_cpus; i++) {
		const struct hvst_cpu_data *d = &b->cpus[i];

		PROMISE(d->cpu < HVST_MAX_CPUS);
		PROMISE(d->offset <= f->io.size && d->size <= f->io.size - d->offset);
	}
}

static void check_format(const struct hvst_format *fmt)
{
	PROMISE(fmt->nr_fields <= HVST_MAX_FORMAT_FIELDS);
	for (unsigned int i = 0; i < fmt->nr_fields; i++)
		PROMISE(fmt->fields[i].offset + fmt->fields[i].size <= UINT16_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const systems[] = { "kvm", "sched", NULL };
	char err[HVST_PATH_ERR];
	struct hvst_file f;
	int rc = hvst_file_open_mem(&f, data, size, systems, err, sizeof(err));

	PROMISE(rc <= 0);
	PROMISE(!rc || !strncmp(err, "memory: ", 8));
	PROMISE(rc || (f.clock && f.nr_buffers <= HVST_MAX_BUFFERS));
	PROMISE(rc || f.data_offset || f.declined[0]);
	for (unsigned int i = 0; !rc && i < f.nr_buffers; i++)
		check_buffer(&f, &f.buffers[i]);
	for (unsigned int i = 0; !rc && i < f.nr_formats; i++)
		check_format(&f.formats[i]);
	hvst_file_close(&f);
	return 0;
}
