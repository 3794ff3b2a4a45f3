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

    /// Copies the text, whose own memory is the caller's to let go of.
    public init(_ text: String) {
        var text = text
        (bytes, count) = text.withUTF8 { Self.copy(UnsafeRawBufferPointer($0)) }
    }

    /// Of bytes, which are the caller's to overwrite.
    package init(bytes: UnsafeRawBufferPointer) { (self.bytes, count) = Self.copy(bytes) }

    private static func copy(
        _ utf8: UnsafeRawBufferPointer
    ) -> (UnsafeMutableRawBufferPointer, Int) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let size = max(1, (utf8.count + page - 1) / page) * page
        guard
            let address = mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            address != MAP_FAILED
        else { preconditionFailure("out of memory") }
        _ = madvise(address, size, MADV_DONTDUMP)
        let bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
        bytes.copyBytes(from: utf8)
        return (bytes, utf8.count)
    }

    deinit {
        explicit_bzero(bytes.baseAddress!, bytes.count)
        munmap(bytes.baseAddress!, bytes.count)
    }

    /// The text itself, for signing or handing out; the caller keeps it no longer than needed.
    public func reveal() -> String {
        withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The text's bytes where they are, for who needs no copy of them.
    package func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes).prefix(count)))
    }

    package var isEmpty: Bool { count == 0 }

    package func isSame(as other: Secret) -> Bool {
        withBytes { own in other.withBytes { own.elementsEqual($0) } }
    }

    /// The memory it holds, in bytes: whole pages.
    public var heapBytes: Int { bytes.count }

    public var description: String { "Secret(…)" }
    /// The same as ``description``.
    public var debugDescription: String { description }
    /// A mirror of nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
