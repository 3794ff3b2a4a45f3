// What the Glibc module leaves out: how much memory the allocator has handed out, and a clock whose
// type belongs to no other module.
#pragma once

#include <malloc.h>
#include <time.h>

static inline long bench_nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}
