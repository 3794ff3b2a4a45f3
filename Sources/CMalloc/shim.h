// mallinfo2, which the Glibc module leaves out: how much memory the allocator has handed out.
#include <malloc.h>
