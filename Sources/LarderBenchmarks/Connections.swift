import CGlibc
import Foundation

/// Connections to a port of the loopback that send one request over and over, each as soon as it has
/// its answer or when it is due: all from one thread, which does as little as can be done, because it
/// takes its time from the same cores.
final class Connections {
    private var ends: [pollfd]
    private var answers: [[UInt8]]
    private var request: [UInt8]
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    /// Bytes of an answer's body; of the first, and so of all.
    private var bodyLength: Int?

    init(port: UInt16, count: Int, request: [UInt8]) throws {
        self.request = request
        ends = []
        answers = Array(repeating: [], count: count)
        for _ in 0..<count {
            ends.append(pollfd(fd: try Self.connected(port), events: Int16(POLLIN), revents: 0))
        }
    }

    deinit { for end in ends { close(end.fd) } }

    private static func connected(_ port: UInt16) throws -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var on: Int32 = 1
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard failed == 0 else { throw LeftOut("a connection to port \(port) was refused") }
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return descriptor
    }

    /// Answers a second while every connection asks as soon as it was answered.
    func rate(for seconds: Double) throws -> Double {
        let began = nanoseconds()
        let end = began + Int(seconds * 1e9)
        for place in ends.indices { try ask(place) }
        var (count, waiting) = (0, ends.count)
        while waiting > 0 {
            for place in try readable(within: 5_000_000_000) where try isAnswered(place) {
                count += 1
                if nanoseconds() < end { try ask(place) } else { waiting -= 1 }
            }
        }
        return Double(count) * 1e9 / Double(nanoseconds() - began)
    }

    /// Milliseconds that the 99th of a hundred answers takes, at so many requests a second. Each is
    /// due at its own time and counts from that, whether or not a connection is free then: whoever
    /// waits for a slow one waits too.
    func latency(at rate: Double, for seconds: Double) throws -> Double {
        let began = nanoseconds()
        let count = Int(rate * seconds)
        var idle = Array(ends.indices)
        var due = Array(repeating: 0, count: ends.count)
        var (sent, times) = (0, [Double]())
        while times.count < count {
            let now = nanoseconds()
            while sent < count, began + Int(Double(sent) * 1e9 / rate) <= now,
                let place = idle.popLast()
            {
                due[place] = began + Int(Double(sent) * 1e9 / rate)
                sent += 1
                try ask(place)
            }
            let next = began + Int(Double(sent) * 1e9 / rate)
            let wait = sent < count && !idle.isEmpty ? max(0, next - nanoseconds()) : 1_000_000_000
            for place in try readable(within: wait) where try isAnswered(place) {
                times.append(Double(nanoseconds() - due[place]) / 1e6)
                idle.append(place)
            }
        }
        return times.sorted()[times.count * 99 / 100]
    }

    private func ask(_ place: Int) throws {
        guard
            send(ends[place].fd, request, request.count, Int32(MSG_NOSIGNAL))
                == request.count
        else { throw LeftOut("a connection was closed") }
    }

    /// Which connections have something to read.
    private func readable(within time: Int) throws -> [Int] {
        let found = bench_poll(&ends, nfds_t(ends.count), time)
        guard found >= 0 || errno == EINTR else { throw LeftOut("ppoll failed") }
        guard found > 0 else { return [] }
        return ends.indices.filter { ends[$0].revents != 0 }
    }

    /// Whether the whole answer has come.
    private func isAnswered(_ place: Int) throws -> Bool {
        let count = read(ends[place].fd, &buffer, buffer.count)
        guard count > 0 else { throw LeftOut("a connection was closed") }
        answers[place] += buffer[..<count]
        guard let head = answers[place].firstRange(of: [13, 10, 13, 10]) else { return false }
        if bodyLength == nil { bodyLength = try Self.length(answers[place][..<head.lowerBound]) }
        guard answers[place].count >= head.upperBound + bodyLength! else { return false }
        guard answers[place].starts(with: "HTTP/1.1 200".utf8) else {
            throw LeftOut(
                "an answer was no item: "
                    + String(decoding: answers[place].suffix(300), as: UTF8.self))
        }
        answers[place].removeAll(keepingCapacity: true)
        return true
    }

    private static func length(_ head: ArraySlice<UInt8>) throws -> Int {
        let lines = String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap {
            Int($0.dropFirst(15).drop { $0 == " " })
        }
        guard let length else { throw LeftOut("an answer does not say how long it is") }
        return length
    }
}
