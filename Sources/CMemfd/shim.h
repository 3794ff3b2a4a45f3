// What the Glibc module leaves out: memfd_create, a file that is in memory and nowhere else, and the
// closing of all descriptors from one on in a program that is started. <spawn.h> is not read here:
// with it come types that another module may have read under other macros, and the two differ.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <unistd.h>
#include <sys/syscall.h>

static inline int larder_memfd(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */);
}

// The variables of this process where they stand, to be read before there is a second thread.
static inline char **larder_environment(void) { return environ; }

int larder_addclosefrom(void *actions, int from)
    __asm__("posix_spawn_file_actions_addclosefrom_np");

// `actions` points to a posix_spawn_file_actions_t.
static inline int larder_close_from(void *actions, int from) {
    return larder_addclosefrom(actions, from);
}
