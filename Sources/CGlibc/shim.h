// What the Glibc module leaves out: how much memory the allocator has handed out, a clock whose
// type belongs to no other module, and a wait for descriptors that is finer than a millisecond.
#pragma once

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

static inline long bench_nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

// The header declares it only where GNU's additions are asked for.
extern int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

static inline int bench_poll(struct pollfd *ends, nfds_t count, long nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000L, nanoseconds % 1000000000L};
    return ppoll(ends, count, &time, 0);
}
