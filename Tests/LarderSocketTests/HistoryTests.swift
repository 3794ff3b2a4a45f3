import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderRemote
@testable import LarderSocket
@testable import LarderWire

@Suite(.timeLimit(.minutes(1))) struct `The last hour over the socket` {
    @Test func `is what it is in process`() async throws {
        try await Engine.run { engine in
            for number in 0..<20 { engine.accounts.insert("a", for: "key \(number)") }
            _ = try? await engine.accounts.value(for: "missing")
            let isNoted = await settles {
                _ = engine.accounts.snapshot()
                return engine.accounts.history().count == 2
            }
            #expect(isNoted)
            let whole = AgeInstant(nanoseconds: .min)
            let there = try await engine.remote.history(of: "accounts", since: whole)
            let here = try await engine.inspector.history(of: "accounts", since: whole)
            #expect(there.samples == Array(here.samples.prefix(there.samples.count)))
            #expect(there.samples.count >= 2 && there.samples.last?.count == 20)
            #expect(there.samples.last?.failed == 1 && there.samples.first?.count == 0)
            #expect(there.cache == "accounts" && there.instance == engine.inspector.instance)
            let late = try await engine.remote.history(
                of: "accounts", since: there.samples[0].at)
            #expect(late.samples.first == there.samples[1])
        }
    }

    @Test func `is refused in words where it makes no sense`() async throws {
        try await Engine.run { engine in
            await #expect(throws: InspectorError.self) {
                try await engine.remote.history(of: "nobody", since: AgeInstant(nanoseconds: 0))
            }
            let address = "http://larder/v1/caches/accounts/history"
            for since in ["-1", "x", "99999999999999999999"] {
                let answer = try engine.curl(address + "?since=\(since)")
                #expect(answer.status == 400 && answer.body.contains("since is"))
            }
            #expect(try engine.curl("http://larder/v1/caches/nobody/history").status == 404)
            #expect(try engine.curl(address).body.contains("\"maxsize\":["))
        }
    }
}
