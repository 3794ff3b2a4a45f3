// What Swift cannot say of curses by itself: macros, mutable C globals and variadic functions.
#pragma once

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <term.h>
#include <wchar.h>

// Declared only under a feature macro that Swift's own C module is built without.
int wcwidth(wchar_t);
static inline int larder_wcwidth(wchar_t character) { return wcwidth(character); }

// `newterm` and not `initscr`: that one ends the process where the terminal is unknown. `stdout`
// and `stdin` are mutable globals.
static inline SCREEN *larder_newterm(void) { return newterm(NULL, stdout, stdin); }

// What `setupterm` has read, once it is used: `newterm` reads it anew. `cur_term` is a mutable
// global.
static inline void larder_forget_terminal(void) { if (cur_term) del_curterm(cur_term); }

// `stdscr` is a mutable global.
static inline WINDOW *larder_stdscr(void) { return stdscr; }

// `COLORS` is a mutable global.
static inline int larder_colors(void) { return COLORS; }

// Attributes are macros with casts.
static inline attr_t larder_bold(void) { return A_BOLD; }
static inline attr_t larder_dim(void) { return A_DIM; }
static inline attr_t larder_reverse(void) { return A_REVERSE; }
static inline attr_t larder_underline(void) { return A_UNDERLINE; }
static inline attr_t larder_pair(short pair) { return COLOR_PAIR(pair); }

// The parts of the mouse are macros that shift masks about.
static inline mmask_t larder_mouse_press(void) { return BUTTON1_PRESSED; }
static inline mmask_t larder_mouse_wheel_up(void) { return BUTTON4_PRESSED; }
static inline mmask_t larder_mouse_wheel_down(void) { return BUTTON5_PRESSED; }

// Strings that terminfo has for leaving the full screen; macros over a mutable global. NULL where
// the terminal has none.
static inline const char *larder_leave_screen(void) { return exit_ca_mode; }
static inline const char *larder_show_cursor(void) { return cursor_normal; }
static inline const char *larder_plain(void) { return exit_attribute_mode; }
static inline const char *larder_leave_keypad(void) { return keypad_local; }
