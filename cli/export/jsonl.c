// SPDX-License-Identifier: GPL-2.0
/* The sink that writes rows as JSON lines. */
#include <string.h>

#include "../output/contract.h"
#include "jsonl.h"

static void put_cell(struct json *j, const struct export_cell *c)
{
	char name[COLUMN_BUF], events[EVENTS_BUF];

	export_column(c->field, name);
	if (!field_known(c->field, c->finding))
		json_null(j, name);
	else if (c->field->type == VALUE_EVENTS)
		json_string(j, name, field_text(c->field, c->finding, events, sizeof(events)));
	else
		contract_field(j, name, c->field, c->finding);
}

static int put_row(struct export_sink *sink, const struct export_row *row)
{
	struct jsonl_sink *s = (struct jsonl_sink *)sink;
	struct export_cell cells[MAX_CELLS];
	unsigned int i, n = export_cells(row, cells);
	struct json j;

	json_start(&j, &s->out, 0);
	json_object(&j, NULL);
	json_string(&j, "table", row->table->name);
	json_i64(&j, RECORDING_COL, row->recording);
	if (row->table->numbered)
		json_u64(&j, ID_COL, row->id);
	for (i = 0; i < n; i++)
		put_cell(&j, &cells[i]);
	json_end_object(&j);
	return -s->out.err;
}

int jsonl_open(struct jsonl_sink *s, const char *path)
{
	s->sink.row = put_row;
	return out_open(&s->out, strcmp(path, "-") ? path : NULL, COLOR_NEVER);
}

int jsonl_close(struct jsonl_sink *s)
{
	return out_close(&s->out);
}

void jsonl_discard(struct jsonl_sink *s)
{
	out_discard(&s->out);
}
