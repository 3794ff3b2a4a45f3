import Foundation
import Larder
import LarderTesting
import TestSupport
import Testing

/// How times are written down.
@Suite struct WrittenTests {
    private struct Times: Codable, Equatable {
        var at: AgeInstant
        var took: Duration
        var ttl: Duration?
    }

    private func json(_ times: Times, epoch: Int64 = 0) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try AgeInstant.$epoch.withValue(epoch) {
            String(decoding: try encoder.encode(times), as: UTF8.self)
        }
    }

    private func times(_ json: String, epoch: Int64 = 0) throws -> Times {
        try AgeInstant.$epoch.withValue(epoch) {
            try JSONDecoder().decode(Times.self, from: Data(json.utf8))
        }
    }

    @Test func `are a time of day and seconds`() throws {
        let times = Times(
            at: AgeInstant(nanoseconds: 1_500_000_000), took: .milliseconds(84), ttl: .seconds(300))
        let text = try json(times, epoch: 1_774_785_600_000_000_000)
        #expect(text == #"{"at":"2026-03-29T12:00:01.500000000Z","took":0.084,"ttl":300}"#)
        #expect(try self.times(text, epoch: 1_774_785_600_000_000_000) == times)
    }

    @Test func `come back as they were, whatever they are`() throws {
        var random = Seeded(3)
        for _ in 0..<2000 {
            let days = Int64.random(in: 0..<8_000_000_000_000_000, using: &random)
            let epoch =
                Int64.random(in: -4_000_000_000..<4_000_000_000, using: &random) * 1_000_000_000
            let instant = Int64.random(
                in: -4_000_000_000_000_000_000...4_000_000_000_000_000_000, using: &random)
            let times = Times(
                at: AgeInstant(nanoseconds: instant), took: .nanoseconds(days),
                ttl: Bool.random(using: &random) ? nil : .nanoseconds(-days))
            #expect(try self.times(try json(times, epoch: epoch), epoch: epoch) == times)
        }
        for edge in [
            AgeInstant.distantFuture, AgeInstant(nanoseconds: .min), AgeInstant(nanoseconds: 0),
        ] {
            let times = Times(at: edge, took: .zero, ttl: nil)
            #expect(try self.times(try json(times)) == times)
        }
    }

    @Test func `are the days that others know`() throws {
        var random = Seeded(4)
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -9_000_000_000...9_000_000_000, using: &random)
            let known = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
            let text = AgeInstant(nanoseconds: seconds * 1_000_000_000).timeOfDay
            #expect(text == known.replacing("Z", with: ".000000000Z"))
            #expect(AgeInstant(timeOfDay: known)?.nanoseconds == seconds * 1_000_000_000)
        }
    }

    @Test(arguments: [
        "", "now", "2026-03-29", "2026-03-29T12:00:00", "2026-13-29T12:00:00Z",
        "2026-03-29T25:00:00Z", "2026-03-29T12:00:00.Z", "2026-03-29T12:00:00.1234567890Z",
        "2026-03-29 12:00:00Z", "+026-03-29T12:00:00Z", "2026-03-29T12:00:00+01:00",
    ])
    func `that are none are refused`(text: String) throws {
        #expect(AgeInstant(timeOfDay: text) == nil)
        #expect(throws: DecodingError.self) {
            try times(#"{"at":"\#(text)","took":1}"#)
        }
    }

    @Test func `beyond all there is are held at the ends`() throws {
        #expect(AgeInstant(timeOfDay: "9999-01-01T00:00:00Z") == .distantFuture)
        #expect(AgeInstant(timeOfDay: "0000-01-01T00:00:00Z")?.nanoseconds == .min)
        for far in ["1e300", "-1e300", "300000000000"] {
            #expect(throws: DecodingError.self) {
                try times(#"{"at":"1970-01-01T00:00:00Z","took":\#(far)}"#)
            }
        }
        let ends = Times(
            at: .distantFuture, took: .nanoseconds(Int64.max), ttl: .nanoseconds(Int64.min))
        #expect(try times(try json(ends)) == ends)
        for epoch in [Int64.min, Int64.max, -1] as [Int64] {
            for instant in [Int64.min, -1, 0, 1, Int64.max - 1] as [Int64] {
                let times = Times(at: AgeInstant(nanoseconds: instant), took: .zero, ttl: nil)
                let text = try json(times, epoch: epoch)
                // Before the year 0 and behind 9999 there is no text.
                if text.contains("\"at\":\"-") { continue }
                #expect(try self.times(text, epoch: epoch) == times)
            }
        }
    }
}
