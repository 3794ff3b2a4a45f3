import Foundation
import TestSupport
import Testing

/// What root finds in the memory of an engine whose keys stand in its environment.
@Suite(.timeLimit(.minutes(1))) struct `A secret in memory` {
    private static let secret = "CANARY-SECRET-0123456789abcdefABCDEF"
    private static let token = "CANARY-TOKEN-" + String(repeating: "x7Kq", count: 120) + "-END"

    /// Where a text stands in the process's own memory, by what the kernel calls the place.
    private func copies(of text: String, in pid: pid_t) throws -> [String: Int] {
        // Page by page, as the kernel writes it: who reads once has the first page of it.
        let maps = try run(["cat", "/proc/\(pid)/maps"]).output
        let memory = open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
        guard memory >= 0 else { throw Failure("the memory of \(pid) cannot be read") }
        defer { close(memory) }
        var found: [String: Int] = [:]
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 1, fields[1].hasPrefix("rw") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            guard ends.count == 2 else { continue }
            let bytes = [UInt8](unsafeUninitializedCapacity: ends[1] - ends[0]) { buffer, count in
                count = max(0, pread(memory, buffer.baseAddress, buffer.count, off_t(ends[0])))
            }
            let count = Self.count(of: Array(text.utf8), in: bytes)
            let place = fields.count > 5 ? String(fields[5]) : "anonymous"
            if count > 0 { found[place, default: 0] += count }
        }
        return found
    }

    private static func count(of text: [UInt8], in bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var (count, place) = (0, 0)
            while place + text.count <= bytes.count,
                let next = memchr(
                    bytes.baseAddress! + place, Int32(text[0]), bytes.count - text.count - place + 1
                )
            {
                if memcmp(next, text, text.count) == 0 { count += 1 }
                place = next - UnsafeMutableRawPointer(mutating: bytes.baseAddress!) + 1
            }
            return count
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may look"))
    func `has left the environment, and is where the documentation says`() throws {
        let item = #"{"Item":{"id":{"S":"a"}}}"#
        let upstream = try Upstream(
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(item.utf8.count)\r\n\r\n\(item)"))
        defer { upstream.stop() }
        let engine = try Besieged(
            own: "--name demo --table t --key id --endpoint-url \(upstream.endpoint)",
            environment: [
                "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": Self.secret,
                "AWS_SESSION_TOKEN": Self.token, "NO_PROXY": "*",
                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            ])
        // Before the first request there is the one copy that is kept.
        #expect(try copies(of: Self.token, in: engine.pid).values.reduce(0, +) == 1)
        #expect(try copies(of: Self.secret, in: engine.pid).values.reduce(0, +) == 1)
        let environment = try Data(contentsOf: URL(filePath: "/proc/\(engine.pid)/environ"))
        #expect(environment.range(of: Data("CANARY".utf8)) == nil)
        for key in 0..<30 {
            let peer = try RawPeer(engine.socket)
            peer.send(
                "POST /v1/caches/accounts/entries/k\(key)/fetch HTTP/1.1\r\nHost: larder\r\n"
                    + "Content-Length: 0\r\n\r\n")
            #expect(peer.answer().hasPrefix("HTTP/1.1 200"))
        }
        #expect(upstream.requests.count == 30)
        let tokens = try copies(of: Self.token, in: engine.pid)
        let secrets = try copies(of: Self.secret, in: engine.pid)
        print("after 30 fetches: session token \(tokens), secret access key \(secrets)")
        #expect(tokens["[stack]"] == nil && secrets["[stack]"] == nil)
        // The key that signs never leaves its own page; a token goes out with each request.
        #expect(secrets.values.reduce(0, +) == 1)
    }
}
