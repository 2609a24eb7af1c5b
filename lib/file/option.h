/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. The options of a recording, by their numbers in the file: see trace-cmd.dat.v7(5).
 */
#ifndef HVST_FILE_OPTION_H
#define HVST_FILE_OPTION_H

#include "file.h"

#define HVST_SEC_COMPRESSED 1 /* flag of a section of version 7 */

enum hvst_option {
	HVST_OPT_DONE,
	HVST_OPT_DATE,
	HVST_OPT_CPUSTAT,
	HVST_OPT_BUFFER,
	HVST_OPT_TRACECLOCK,
	HVST_OPT_UNAME,
	HVST_OPT_HOOK,
	HVST_OPT_OFFSET,
	HVST_OPT_CPUCOUNT,
	HVST_OPT_VERSION,
	HVST_OPT_PROCMAPS,
	HVST_OPT_TRACEID,
	HVST_OPT_TIME_SHIFT,
	HVST_OPT_GUEST,
	HVST_OPT_TSC2NSEC,
	HVST_OPT_STRINGS,
	HVST_OPT_HEADER_INFO,
	HVST_OPT_FTRACE_EVENTS,
	HVST_OPT_EVENT_FORMATS,
	HVST_OPT_KALLSYMS,
	HVST_OPT_PRINTK,
	HVST_OPT_CMDLINES,
	HVST_OPT_BUFFER_TEXT,
	HVST_OPT_BTF_FILE,
	HVST_OPT_LAST_BOOT_INFO,
	HVST_OPT_MODULES_FILE,
};

/*
 * Takes one option's data into @f: clock, buffers, time corrections; unknown ones are ignored, as
 * the format demands. DONE and the options that name sections are the caller's. 0, or a negative
 * errno with a message.
 */
int hvst_file_option(struct hvst_file *f, unsigned int id, const uint8_t *data, uint32_t len);

#endif
