#if LARDER_SLIM
    import Glibc

    // libdispatch counts the threads that run by /proc, and Swift's runtime finds itself by it: each
    // ends a process that has none. The linker has what they ask the C library for come here.

    @_silgen_name("__real_open")
    private func realOpen(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32

    @_silgen_name("__real_dladdr")
    private func realAddress(_ address: UnsafeRawPointer?, _ info: UnsafeMutableRawPointer) -> Int32

    /// `open`, of which the mode is in the third register, be it given or not. In place of a file that
    /// tells of a thread there is a folder, which cannot be read.
    @_cdecl("__wrap_open")
    func openedWithoutProc(
        _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32
    ) -> Int32 {
        let descriptor = realOpen(path, flags, mode)
        let threads: StaticString = "/proc/self/task/"
        guard descriptor == -1, errno == ENOENT,
            strncmp(path, threads.utf8Start, threads.utf8CodeUnitCount) == 0
        else { return descriptor }
        return realOpen("/", O_RDONLY | O_CLOEXEC, 0)
    }

    /// `dladdr`, by which the program has a path though the system does not tell it.
    @_cdecl("__wrap_dladdr")
    func foundWithoutProc(
        _ address: UnsafeRawPointer?, _ info: UnsafeMutableRawPointer
    ) -> Int32 {
        let found = realAddress(address, info)
        let own: StaticString = "/proc/self/exe"
        guard found == 0, access(own.utf8Start, F_OK) != 0 else { return found }
        let path: StaticString = "/opt/extensions/larder"
        info.initializeMemory(as: UnsafeRawPointer?.self, repeating: nil, count: 4)
        info.storeBytes(of: UnsafeRawPointer(path.utf8Start), as: UnsafeRawPointer.self)
        return 1
    }
#endif
