/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a finding consists of. The tables in finding.c name each field of a storm, a timer, a clock
 * segment, ... once; JSON, CSV, the tables of text and HTML and the browser's details follow from
 * them. A new field is one line there (and its entry in the JSON schema, which t_json checks).
 */
#ifndef HVST_CLI_FINDING_H
#define HVST_CLI_FINDING_H

#include <hvstimer/hvstimer.h>

/* How a value is stored, its unit, and what stands for "unknown". */
enum value_type {
	VALUE_ID,	/* int; negative: unknown */
	VALUE_INT,	/* int */
	VALUE_BOOL,	/* bool */
	VALUE_COUNT,	/* uint64_t */
	VALUE_TIME,	/* int64_t, ns of the trace clock; HVST_UNKNOWN */
	VALUE_UTC,	/* the same, read as its wall-clock time: ns since the Epoch, UTC */
	VALUE_DURATION, /* int64_t, ns; HVST_UNKNOWN */
	VALUE_SIGNED,	/* the same, shown with its sign */
	VALUE_REF,	/* int64_t, units of 100 ns; HVST_UNKNOWN */
	VALUE_RATE,	/* double, Hz */
	VALUE_PPM,	/* double; NaN: unknown */
	VALUE_SHARE,	/* double, 0 to 1; negative: unknown */
	VALUE_WORD,	/* an enum, named by @word; NULL: unknown */
	VALUE_EVENT,	/* int, enum hvst_event_id; negative: none */
	VALUE_EVENTS,	/* uint64_t, bit per enum hvst_event_id */
	VALUE_STRING,	/* char[] */
	VALUE_POINTER,	/* const char *; NULL: unknown */
	VALUE_SKETCH,	/* const struct hvst_sketch * */
	VALUE_QUANTILE, /* the same: its value at @rank */
	VALUE_EVIDENCE, /* struct hvst_evidence_list */
	VALUE_LIST,	/* list of findings of kind @of, their number (unsigned int) behind it */
	VALUE_NONE,	/* no value: an empty column, which other findings of the table have */
	VALUE_TEXT,	/* for people only, made by @text; "": unknown */
};

/* Where a field is shown. */
enum field_view {
	IN_JSON = 1,
	IN_CSV = 2,
	IN_DETAILS = 4, /* of the browser */
	IN_TABLE = 8,	/* of text output */
	IN_LIST = 16,	/* one line a field, text output */
	IN_PAGE = 32,	/* table of the HTML page */
	IN_DATA = IN_JSON | IN_CSV | IN_DETAILS,
	IN_TABLES = IN_TABLE | IN_PAGE,
};

struct finding_kind;

/**
 * struct finding_field - one field of a kind of finding
 * @name: key of JSON and the browser, column of CSV. "a.b" is member b of object a, which is null
 *	when its first member is unknown; CSV has a_b. NULL: not a value of its own
 * @title: for people
 * @type: enum value_type
 * @offset: in the finding's struct
 * @in: enum field_view
 * @drop: 0: its column is always shown; else the highest goes first where the screen is narrow
 * @flexible: last column of a table: cut to fit
 * @hide_zero: its column is shown only if some value is not 0
 * @left: VALUE_TEXT that stands left in its column; other text does anyway
 * @role: of the cell, unless the value is zero, ahead of its expiry, or unknown
 * @csv: column of CSV if it is not @name
 * @sql: column of the tables of hvstimer-export(1) if it is not @name: SQL reserves that word
 * @word: VALUE_WORD: the identifier that JSON, CSV and the browser's details have
 * @plain: what people read instead in tables and lists; NULL: @word
 */
struct finding_field {
	const char *name;
	const char *title;
	enum value_type type;
	unsigned int offset;
	unsigned int in;
	unsigned int drop;
	bool flexible, left, hide_zero;
	int role;	   /* enum role */
	unsigned int rank; /* VALUE_QUANTILE: hundredths of a per cent; 0: min, 10000: max */
	const char *csv;
	const char *sql;
	const char *(*word)(int v);
	const char *(*plain)(int v);
	void (*text)(char *buf, size_t len, const void *finding);
	const struct finding_kind *of;
};

#define FINDING_MAX_FIELDS 60 /* a table adds columns for the number and the wall clock */

/* @subdued: a finding to be shown less prominently than others of its kind; NULL: none is. */
struct finding_kind {
	const struct finding_field *fields;
	unsigned int n;
	size_t size; /* of one finding */
	bool (*subdued)(const void *finding);
};

extern const struct finding_kind finding_vm, finding_vcpu, finding_timer, finding_storm,
	finding_past_due, finding_reference, finding_guest, finding_life, finding_move,
	finding_point, finding_verdict, finding_vm_verdict, finding_note;

/* The @i-th of a list of findings, an array of pointers. */
static inline const void *finding_at(const void *list, unsigned int i)
{
	return ((const void *const *)list)[i];
}

/* The field of @kind that has this title in tables; NULL: none. */
const struct finding_field *finding_column(const struct finding_kind *kind, const char *title);

/*
 * The first time of the trace clock in that view, beside which the wall clock is shown where it is
 * known; NULL: there is none.
 */
const struct finding_field *finding_clock(const struct finding_kind *kind, unsigned int view);

/* The value of a field, for the types that have one of this sort. */
int field_int(const struct finding_field *f, const void *finding);
int64_t field_i64(const struct finding_field *f, const void *finding);
uint64_t field_u64(const struct finding_field *f, const void *finding);
double field_double(const struct finding_field *f, const void *finding); /* NaN: unknown */
bool field_bool(const struct finding_field *f, const void *finding);
const char *field_string(const struct finding_field *f, const void *finding); /* NULL: unknown */
const struct hvst_sketch *field_sketch(const struct finding_field *f, const void *finding);
const struct hvst_evidence_list *field_evidence(const struct finding_field *f, const void *finding);
const void *field_list(const struct finding_field *f, const void *finding, unsigned int *n);

bool field_known(const struct finding_field *f, const void *finding);
/*
 * Fill a finding from a stored one: first all fields as unknown, then one after the other. Fields
 * of other types, which hold more than one value, stay unchanged.
 */
void finding_set_unknown(const struct finding_kind *kind, void *finding);
void field_set_i64(const struct finding_field *f, void *finding, int64_t v); /* integers, bool */
void field_set_double(const struct finding_field *f, void *finding, double v);
/* VALUE_WORD, VALUE_EVENT. False: the field has no value of that name. */
bool field_set_word(const struct finding_field *f, void *finding, const char *word);

/* Digits after the point of a VALUE_RATE, VALUE_PPM or VALUE_SHARE in JSON and CSV. */
int field_decimals(const struct finding_field *f);
/* For people, with unit; "?" for an unknown id, "-" for anything else unknown. Returns @buf. */
char *field_text(const struct finding_field *f, const void *finding, char *buf, size_t len);
/* Is the field left-aligned in its column, as text is? */
bool field_left(const struct finding_field *f);
/* enum role of the field's cell. */
int field_role(const struct finding_kind *kind, const struct finding_field *f, const void *finding);

#define FIELD_BUF 512

/* The VM of that number, -1: the unknown one; NULL: there is none. */
const struct hvst_vm *result_vm(const struct hvst_result *r, int vm);
/* Its place in the result; nr_vms: there is none. */
unsigned int result_vm_index(const struct hvst_result *r, int vm);

/* "qemu-system-x86 4711": the process of a VM, as far as it is known, else "". */
#define VM_PROCESS (HVST_COMM_LEN + 16)
void vm_process(char buf[VM_PROCESS], const struct hvst_vm *vm);

/* Who the VM is: its name, its process, at most @most vCPUs and their threads. Returns @buf. */
#define VM_TEXT 2400
char *vm_text(char buf[VM_TEXT], const struct hvst_vm *vm, unsigned int most);

#endif
