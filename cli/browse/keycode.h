/* SPDX-License-Identifier: GPL-2.0 */
/* Codes of keys and of what the mouse does, as term.c and script.c hand them on. */
#ifndef HVST_BROWSE_KEYCODE_H
#define HVST_BROWSE_KEYCODE_H

/* Characters have their code point; other keys lie above Unicode. */
enum br_key_code {
	BR_KEY_UP = 0x110000,
	BR_KEY_DOWN,
	BR_KEY_LEFT,
	BR_KEY_RIGHT,
	BR_KEY_PGUP,
	BR_KEY_PGDN,
	BR_KEY_HOME,
	BR_KEY_END,
	BR_KEY_ENTER,
	BR_KEY_ESC,
	BR_KEY_TAB,
	BR_KEY_BACKTAB,
	BR_KEY_BACKSPACE,
	BR_KEY_DELETE,
	BR_KEY_REDRAW,
	BR_KEY_CLICK,
	BR_KEY_DRAG,
	BR_KEY_WHEEL_UP,
	BR_KEY_WHEEL_DOWN,
};

#endif
