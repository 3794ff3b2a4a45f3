#if canImport(Glibc)
    import Glibc
#endif

/// A piece of text that must not be seen: a secret access key, a session token.
///
/// It has no description, no mirror and no encoding: printed, logged or dumped it reads
/// `Secret(…)`. Its bytes have pages of their own, which are left out of core files and are
/// overwritten when the last reference goes. What is made of it for use (a signature, a header)
/// is the user's to handle: buffers of HTTP libraries are beyond its reach.
public final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer  // init and deinit write
    private let count: Int

    public init(_ text: String) {
        let utf8 = Array(text.utf8)
        count = utf8.count
        let page = sysconf(Int32(_SC_PAGESIZE))
        let size = max(1, (utf8.count + page - 1) / page) * page
        guard
            let address = mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            address != MAP_FAILED
        else { preconditionFailure("out of memory") }
        bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
        _ = madvise(address, size, MADV_DONTDUMP)
        bytes.copyBytes(from: utf8)
    }

    deinit {
        explicit_bzero(bytes.baseAddress!, bytes.count)
        munmap(bytes.baseAddress!, bytes.count)
    }

    /// The text itself, for signing or handing out; the caller keeps it no longer than needed.
    public func reveal() -> String {
        String(decoding: UnsafeRawBufferPointer(bytes).prefix(count), as: UTF8.self)
    }

    /// The memory it holds, in bytes: whole pages.
    public var heapBytes: Int { bytes.count }

    public var description: String { "Secret(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
