import Foundation
import Synchronization
import TestSupport
import Testing

/// What an engine asks for by itself while its origin is down, and after.
@Suite(.timeLimit(.minutes(1))) struct `Traffic` {
    private static func reply(_ body: String, _ status: String = "200 OK") -> [Upstream.Step] {
        [.send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")]
    }

    private static let item = reply(#"{"Item":{"id":{"S":"a"}}}"#)
    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "NO_PROXY": "*",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_MAX_ATTEMPTS": "1",
    ]

    private func engine(_ upstream: Upstream, _ options: String) throws -> Besieged {
        // An option of the embedded origin goes with it.
        try Besieged(
            own: "--name demo --table t --key id --endpoint-url \(upstream.endpoint) \(options)",
            environment: Self.keys)
    }

    private func holds(_ engine: Besieged, _ keys: [String]) throws -> Bool {
        try eventually {
            let listed = try engine.larder("entries", "accounts", "--format", "csv").output
            return keys.allSatisfy {
                listed.contains("accounts,\($0),") && !listed.contains("failed")
            }
        }
    }

    @Test func `begins once the origin is there, though the first look-ups failed`() throws {
        let isUp = Mutex(false)
        let upstream = try Upstream { _ in isUp.withLock { $0 } ? Self.item : [.reset] }
        defer { upstream.stop() }
        let engine = try engine(upstream, "--keys a,b --traffic 50")
        // More than the start alone: each key's failure is told for a moment, and then asked again.
        #expect(eventually { upstream.requests.count > 6 })
        isUp.withLock { $0 = true }
        #expect(try holds(engine, ["a", "b"]))
    }

    @Test func `what had no answer at the start is asked for again, without any traffic`() throws {
        let isUp = Mutex(false)
        let upstream = try Upstream { _ in isUp.withLock { $0 } ? Self.item : [.reset] }
        defer { upstream.stop() }
        let engine = try engine(upstream, "--keys a,b")
        #expect(eventually { upstream.requests.count >= 2 })
        isUp.withLock { $0 = true }
        #expect(try holds(engine, ["a", "b"]))
    }

    @Test func `keys that could not be listed at the start are listed later`() throws {
        let listed = #"{"Items":[{"id":{"S":"x"}},{"id":{"S":"y"}}],"Count":2,"ScannedCount":2}"#
        let upstream = try Upstream { number in
            number == 0 ? [.reset] : number == 1 ? Self.reply(listed) : Self.item
        }
        defer { upstream.stop() }
        let engine = try engine(upstream, "--warm 2")
        #expect(try holds(engine, ["x", "y"]))
        #expect(engine.errors.matches(of: /name keys with --keys/).count == 1)
    }

    @Test func `of named keys asks for those alone, of the demo's origin too`() throws {
        let engine = try Besieged("--keys 100000000007,100000000009 --traffic 200")
        #expect(
            try eventually {
                let hits = try engine.larder("entries", "--filter", "hits>=5", "--format", "csv")
                return hits.output.split(separator: "\n").count >= 3
            })
        let listed = try engine.larder("entries", "accounts", "--sort", "key", "--format", "csv")
        let keys = listed.output.split(separator: "\n").dropFirst().map {
            $0.split(separator: ",")[1]
        }
        #expect(keys == ["100000000007", "100000000009"])
    }
}
