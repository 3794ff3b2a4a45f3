import Foundation
import TestSupport
import Testing

/// One process that asks for all that there is, and another that asks for a little.
@Suite(.timeLimit(.minutes(2))) struct `A process that asks for very much` {
    private func engine() throws -> Besieged {
        let engine = try Besieged(
            "--warm 3000 --cache accounts:maxsize=5000,ttl=1h --accounts 3000")
        let look = "curl -s --unix-socket '\(engine.socket)' http://larder/v1/snapshot"
        guard try eventually({ try engine.shell(look).output.contains(#""count":3000"#) }) else {
            throw Failure("the engine does not warm up: \(engine.errors)")
        }
        return engine
    }

    /// Connections with many requests each, none of whose replies is read.
    private func asking(_ path: String, _ count: Int, _ engine: Besieged) throws -> [RawPeer] {
        try (0..<count).map { _ in
            let peer = try RawPeer(engine.socket)
            let request = "GET \(path) HTTP/1.1\r\nHost: larder\r\n\r\n"
            peer.send(String(repeating: request, count: 20))
            return peer
        }
    }

    /// Of requests that are small each, too, there are many.
    @Test(
        arguments: some(
            ["/v1/entries?limit=500", "/v1/caches/accounts/events?limit=500"], oneIn: 2,
            place: "small requests"))
    func `keeps no other waiting`(path: String) throws {
        let engine = try engine()
        let peers = try asking(path, 400, engine)
        for words in ["stats", "caches", "entries accounts --filter key~1$ --limit 3"] {
            let ran = try engine.shell("exec $larder \(words)")
            #expect(ran.status == 0, "\(ran)")
        }
        // One after the other would have come first, all four hundred of them.
        let answered = peers.count { !$0.line(within: .milliseconds(1)).isEmpty }
        #expect(answered < 300, "\(answered)")
    }

    @Test func `leaves no other process of its user without replies`() throws {
        let engine = try engine()
        let path = "/v1/entries?limit=10000"
        let peers = try asking(path, 60, engine)
        let isUsedUp = try eventually(within: .seconds(60)) {
            let peer = try RawPeer(engine.socket)
            peer.send("GET \(path) HTTP/1.1\r\nHost: larder\r\n\r\n")
            return peer.line(within: .seconds(30)).contains("429")
        }
        #expect(isUsedUp)
        let ran = try engine.larder("entries", "accounts", "--filter", "key~1$", "--limit", "3")
        #expect(ran.status == 0, "\(ran)")
        withExtendedLifetime(peers) {}
    }

    @Test func `and drips large bodies keeps no other from planning`() throws {
        let engine = try engine()
        let drippers = try (0..<8).map { _ in
            let peer = try RawPeer(engine.socket)
            peer.send(
                "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nContent-Length: 16000000\r\n\r\n{")
            return peer
        }
        let names = (0..<2000).map {
            #"{"id":{"cache":"accounts","key":"nobody's, \#($0), of some length"}}"#
        }
        let change = #"{"invalidate":[\#(names.joined(separator: ","))]}"#
        let file = engine.folder.path + "/change"
        try change.write(toFile: file, atomically: false, encoding: .utf8)
        for _ in 0..<3 {
            let ran = try engine.shell(
                """
                curl -s -o '\(engine.folder.path)/answer' -w '%{http_code}' --data-binary '@\(file)' \
                    -H 'Expect:' --unix-socket '\(engine.socket)' http://larder/v1/plans
                """)
            #expect(ran.output == "200", "\(ran)")
        }
        // No body of theirs was late when the others were planned.
        #expect(drippers.allSatisfy { $0.line(within: .milliseconds(1)).isEmpty })
    }
}
