import Foundation
import TestSupport
import Testing

/// Plans that nobody means to apply, made to fill the host's memory.
@Suite(.timeLimit(.minutes(2))) struct `Plans without end` {
    /// Names so many keys that are not there, each some times.
    private func body(_ count: Int, times: Int = 1, tail: Int = 20) -> String {
        let text = String(repeating: "x", count: tail)
        let entries = (0..<count).map {
            "{\"id\":{\"cache\":\"accounts\",\"key\":\"\($0) \(text)\"},\"version\":1}"
        }
        let all = Array(repeating: entries, count: times).flatMap(\.self)
        return "{\"invalidate\":[\(all.joined(separator: ","))]}"
    }

    private func status(_ engine: Besieged, _ body: String) throws -> String {
        let peer = try RawPeer(engine.socket)
        peer.send(
            "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nConnection: close\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n")
        peer.send(body)
        let status = peer.line(within: .seconds(60))
        _ = peer.ends(within: .seconds(60))
        return status
    }

    @Test func `cost a host no more than so much`() throws {
        let engine = try Besieged("--warm 5")
        let body = body(30_000, tail: 60)
        #expect(try status(engine, body).contains("200"))
        let before = engine.resident
        for _ in 0..<(isWholeSiege ? 40 : 20) {
            #expect(try status(engine, body).contains("200"))
        }
        // All of them would be 150 MB and more, or 300 MB.
        #expect(engine.resident - before < 120 << 20, "\(engine.resident - before)")
        #expect(try engine.larder("invalidate", "accounts", "--all", "--yes").status == 0)
    }

    @Test func `may name an entry twice, and not more than one change does`() throws {
        let engine = try Besieged("--warm 5")
        #expect(try status(engine, body(1000, times: 60)).contains("200"))
        let before = engine.resident
        for _ in 0..<8 { #expect(try status(engine, body(1000, times: 60)).contains("200")) }
        #expect(engine.resident - before < 60 << 20, "\(engine.resident - before)")
        #expect(try status(engine, body(100_001)).contains("409"))
        #expect(try engine.larder("caches").status == 0)
    }

    @Test func `are nothing where nobody may change anything`() throws {
        let engine = try Besieged("--warm 5 --read-only")
        let (large, small) = (body(100_000), body(100))
        let before = engine.resident
        for _ in 0..<20 {
            #expect(try status(engine, large).contains("413"))
            #expect(try status(engine, small).contains("403"))
        }
        #expect(engine.resident - before < 40 << 20, "\(engine.resident - before)")
        #expect(try engine.larder("set", "accounts", "maxsize=2", "--dry-run").status == 0)
    }
}
