import Foundation
import TestSupport
import Testing

/// What an engine keeps of its last hour, where it did not run for a part of it.
@Suite(.timeLimit(.minutes(1))) struct `An engine that stood still` {
    /// When there is a sample of the accounts, in nanoseconds of the engine's age line.
    private func times(_ engine: Besieged) throws -> [Int64] {
        let answer = try engine.shell(
            "curl -s -m 5 --unix-socket '\(engine.socket)' "
                + "http://larder/v1/caches/accounts/history")
        let object = try? JSONSerialization.jsonObject(with: Data(answer.output.utf8))
        return (object as? [String: Any])?["at"] as? [Int64] ?? []
    }

    private func intervals(_ engine: Besieged) throws -> [Double] {
        let times = try times(engine)
        return zip(times, times.dropFirst()).map { Double($1 - $0) / 1e9 }
    }

    @Test func `has no record of that time, and goes on with a sample a second`() throws {
        let engine = try Besieged("--traffic 20")
        #expect(try eventually { try intervals(engine).count >= 2 })
        engine.signal(SIGSTOP)
        let stopped = ContinuousClock.now
        #expect(eventually { ContinuousClock.now - stopped > .seconds(7) })
        engine.signal(SIGCONT)
        #expect(
            try eventually {
                let steps = try intervals(engine)
                return (steps.lastIndex { $0 > 6 }).map { steps.count > $0 + 3 } ?? false
            })
        let steps = try intervals(engine)
        #expect(steps.count { $0 > 5 } == 1, "\(steps)")
        #expect(steps.allSatisfy { $0 > 0.9 })
    }
}
