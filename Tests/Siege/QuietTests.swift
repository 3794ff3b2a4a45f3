import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct `An engine that nobody attacks` {
    @Test func `listens, answers, ends at once when told, and leaves no socket`() throws {
        let engine = try Besieged("--warm 5")
        #expect(try engine.larder("caches").status == 0)
        #expect(engine.resident > 0 && engine.runs)
        engine.signal(SIGTERM)
        #expect(try engine.end() == 0, "\(engine.errors)")
        #expect(!FileManager.default.fileExists(atPath: engine.socket))
    }
}
