/* SPDX-License-Identifier: GPL-2.0 */
/* Functions that take the value of an option. Each returns false after a message. */
#ifndef HVST_CLI_OPT_SET_H
#define HVST_CLI_OPT_SET_H

#include "desc.h"

#define SETTER(name) bool name(struct options *o, const struct option_desc *d, const char *arg)

/* Of any option: the type of the member at d->at. */
SETTER(set_flag);	   /* bool */
SETTER(set_string);	   /* const char * */
SETTER(set_once);	   /* the same; twice is an error */
SETTER(set_file);	   /* the same: a file to write, not "-" */
SETTER(set_list);	   /* struct string_list: one more */
SETTER(set_uint);	   /* unsigned int, up to d->max */
SETTER(set_id);		   /* int, up to d->max */
SETTER(set_duration);	   /* unsigned int, up to d->max */
SETTER(set_duration_or_0); /* int64_t */
SETTER(set_size);	   /* unsigned long, KiB */
SETTER(set_time);	   /* struct time_arg */
SETTER(set_word);	   /* an enum: the number of the word in d->words */

/* Of one option each. */
SETTER(set_cpu);
SETTER(set_pid);
SETTER(set_vm);
SETTER(set_utc);
SETTER(set_ignore);
SETTER(set_event);
SETTER(set_filter);
SETTER(set_by);
SETTER(set_bucket);
SETTER(set_linear);
SETTER(set_log);
SETTER(set_percentiles);
SETTER(set_policy);
SETTER(set_sweep);
SETTER(set_json);
SETTER(set_jsonl);
SETTER(set_csv);

#endif
