/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. The descriptions that files of versions 6 and 7 share: sub-buffers, event formats,
 * saved command lines. Each function reads at the cursor and returns 0, or a negative errno with a
 * message.
 */
#ifndef HVST_FILE_META_H
#define HVST_FILE_META_H

#include "file.h"

/*
 * header_page and header_event; -EOPNOTSUPP for sub-buffers of another layout than this reader's.
 */
int hvst_meta_header_info(struct hvst_file *f, struct hvst_cursor *c);
/* The event formats of @system; NULL: skip them. */
int hvst_meta_formats(struct hvst_file *f, struct hvst_cursor *c, const char *system);
/* The event formats of all systems; those that are not wanted are skipped. */
int hvst_meta_systems(struct hvst_file *f, struct hvst_cursor *c);
/* The saved command lines: which task had which pid. */
int hvst_meta_comms(struct hvst_file *f, struct hvst_cursor *c);

#endif
