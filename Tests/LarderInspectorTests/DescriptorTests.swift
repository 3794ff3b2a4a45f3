import Foundation
import TestSupport
import Testing

@testable import LarderInspector

@Suite struct `What is written to a descriptor` {
    private static func pipe(nonblocking: Bool) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        Foundation.pipe(&ends)
        if nonblocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
        return (ends[0], ends[1])
    }

    @Test(arguments: [false, true])
    func `arrives whole, however slow the reader`(nonblocking: Bool) async {
        let (reading, writing) = Self.pipe(nonblocking: nonblocking)
        let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        async let failure = Task.detached {
            defer { close(writing) }
            return Descriptor.write(sent, to: writing)
        }.value
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1000)
        while case let count = read(reading, &buffer, buffer.count), count > 0 {
            received += buffer[..<count]
        }
        close(reading)
        #expect(await failure == 0)
        #expect(received == sent)
    }

    @Test func `fails with the reason where it cannot arrive`() {
        signal(SIGPIPE, SIG_IGN)
        let full = open("/dev/full", O_WRONLY)
        #expect(Descriptor.reason(Descriptor.write("a", to: full)) == "no space left on device")
        close(full)
        #expect(Descriptor.write("a", to: full) == EBADF)
        #expect(Descriptor.write("", to: full) == 0)
        let (reading, writing) = Self.pipe(nonblocking: false)
        #expect(!Descriptor.isGone(writing))
        close(reading)
        #expect(Descriptor.isGone(writing))
        #expect(Descriptor.write("a", to: writing) == EPIPE)
        close(writing)
    }

    @Test(arguments: [false, true])
    func `is given up where nobody reads and the patience is over`(nonblocking: Bool) {
        let (reading, writing) = Self.pipe(nonblocking: nonblocking)
        let much = [UInt8](repeating: 1, count: 1 << 20)
        #expect(Descriptor.write(much, to: writing, patience: 1) == EAGAIN)
        #expect(Descriptor.write("a", to: writing, patience: 0) == EAGAIN)
        close(reading)
        close(writing)
    }
}
