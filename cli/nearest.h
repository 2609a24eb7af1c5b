/* SPDX-License-Identifier: GPL-2.0 */
/* "Did you mean ...?" */
#ifndef HVST_CLI_NEAREST_H
#define HVST_CLI_NEAREST_H

/* The word of @words (NULL-terminated) most like @word, NULL when none is near. */
const char *nearest(const char *word, const char *const *words);

#endif
