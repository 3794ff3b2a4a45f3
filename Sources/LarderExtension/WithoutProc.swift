#if LARDER_SLIM
    import Glibc

    // libdispatch counts the threads that run by /proc, and ends a process that has none. The linker has
    // its calls of open come here, where a folder takes the place of such a file: it cannot be read.

    @_silgen_name("__real_open")
    private func realOpen(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32

    /// `open`, of which the mode is in the third register, be it given or not.
    @_cdecl("__wrap_open")
    func openedWithoutProc(
        _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32
    ) -> Int32 {
        let descriptor = realOpen(path, flags, mode)
        let threads = "/proc/self/task/"
        guard descriptor == -1, errno == ENOENT, strncmp(path, threads, threads.utf8.count) == 0
        else {
            return descriptor
        }
        return realOpen("/", O_RDONLY | O_CLOEXEC, 0)
    }
#endif
