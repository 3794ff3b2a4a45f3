import Foundation
import Larder
import TestSupport
import Testing

@testable import LarderInspector

/// Numbers from outside: each is taken or refused, and none ends the engine.
@Suite struct `Numbers at the edge` {
    @Test func `are read by every unit, or refused`() {
        var random = Fuzz.random("units")
        for _ in 0..<Fuzz.count {
            let text = Fuzz.number(using: &random) + Fuzz.number(using: &random).prefix(1)
            if let duration = try? Units.duration(text) {
                #expect(duration >= .zero)
                _ = Units.text(duration)
            }
            _ = try? Units.ttl(text)
            _ = try? Units.maxsize(text)
            _ = try? Units.maxbytes(text)
            if let share = try? Units.share(text) { #expect((0...1).contains(share)) }
            _ = try? Units.policy(text)
            for name in ["hits", "size", "version", "ttl", "age", "fetch", "expiry"] {
                _ = try? EntryFilter("\(name)>=\(text)")
            }
        }
    }

    @Test func `are written, however large`() {
        var random = Fuzz.random("numbers written")
        let doubles = [
            Double.nan, .infinity, -.infinity, 1e300, -1e300, .leastNonzeroMagnitude, 9.2e18,
            -9.3e18, 1.8e19,
        ]
        for _ in 0..<Fuzz.count {
            let number = Fuzz.integer(using: &random)
            _ = Units.text(.nanoseconds(number)) + Format.left(.nanoseconds(number))
            _ = Format.took(.nanoseconds(number)) + Format.perSecond(Double(number))
            _ = Format.bytes(Int(number)) + Units.text(maxsize: Int(number))
            let double = doubles.randomElement(using: &random)! + Double(number)
            _ = Units.text(double, digits: Int.random(in: 0...6, using: &random))
            _ = Int(clamping: double) &+ Int(UInt64(clamping: double) >> 1)
        }
        #expect(Int(clamping: Double.nan) == 0 && Int(clamping: 1e300) == .max)
        #expect(Int(clamping: -Double.infinity) == .min && UInt64(clamping: -1.0) == 0)
        #expect(UInt64(clamping: 1e300) == .max && Int(clamping: 2.5) == 3)
    }

    private func row(using random: inout Seeded) -> EntryRow {
        func instant() -> AgeInstant { AgeInstant(nanoseconds: Fuzz.integer(using: &random)) }
        func optional<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
        return EntryRow(
            id: EntryKey(cache: "accounts", key: Fuzz.text(using: &random)),
            version: UInt64(bitPattern: Fuzz.integer(using: &random)), writtenAt: instant(),
            expiry: optional(instant()), deadline: optional(instant()),
            hits: UInt64(bitPattern: Fuzz.integer(using: &random)), lastHit: optional(instant()),
            bytes: Int(Fuzz.integer(using: &random)),
            fetchTime: .nanoseconds(Fuzz.integer(using: &random)),
            fetchRate: optional(Double(Fuzz.integer(using: &random))),
            toGo: optional(Int(Fuzz.integer(using: &random))))
    }

    @Test func `of rows that were held elsewhere are listed`() throws {
        var random = Fuzz.random("rows")
        for _ in 0..<Fuzz.count / 4 {
            let rows = (0..<20).map { _ in row(using: &random) }
            let now = AgeInstant(nanoseconds: Fuzz.integer(using: &random))
            let query = EntryQuery(
                filter: ["", "hits>5", "ttl<5m", "age>=1s", "state=fresh"]
                    .randomElement(using: &random)!,
                sort: EntryColumn.allCases.randomElement(using: &random)!,
                descending: Bool.random(using: &random), offset: Int(Fuzz.integer(using: &random)),
                limit: Int(Fuzz.integer(using: &random)))
            let page = try query.page(of: rows, at: now)
            #expect(page.matched <= 20)
            for row in rows {
                for column in EntryColumn.allCases { _ = column.value(of: row, at: now) }
            }
        }
    }

    @Test func `that come as JSON are refused, or do what they say`() async throws {
        var random = Fuzz.random("changes as JSON")
        let engine = Engine()
        for number in 0..<20 { engine.accounts.insert(Account(name: "x"), for: "\(number)") }
        for _ in 0..<min(Fuzz.count, 5000) {
            func number() -> String { Fuzz.number(using: &random) }
            let json = [
                #"{"configure":{"cache":"accounts","to":{"maxsize":\#(number()),"ttl":\#(number())}}}"#,
                #"{"configure":{"cache":"accounts","to":{"maxbytes":\#(number()),"jitter":\#(number()),"ttl":\#(number())}}}"#,
                #"{"configure":{"cache":"accounts","to":{"staleIfError":\#(number()),"negativeTTL":\#(number())}}}"#,
                #"{"invalidate":[{"id":{"cache":"accounts","key":"1"},"version":\#(number())}]}"#,
            ].randomElement(using: &random)!
            guard let change = try? JSONDecoder().decode(Change.self, from: Data(json.utf8)),
                let plan = try? await engine.inspector.plan(change)
            else { continue }
            let how = "{\"spread\":\(number()),\"lasting\":\(number())}"
            let application =
                (try? JSONDecoder().decode(PlanApplication.self, from: Data(how.utf8)))
                ?? PlanApplication()
            _ = try? await engine.inspector.apply(plan.id, application, by: Operator("ops"))
            _ = try await engine.inspector.report()
            _ = try? await engine.accounts.value(for: "\(number())")
            _ = try? await engine.inspector.forecast(
                width: .nanoseconds(Fuzz.integer(using: &random)), count: 5)
            _ = try await engine.inspector.events(
                in: "accounts", after: UInt64(bitPattern: Fuzz.integer(using: &random)), limit: 3)
            _ = try? await engine.inspector.entries(
                EntryQuery(
                    sort: EntryColumn.allCases.randomElement(using: &random)!,
                    offset: Int(Fuzz.integer(using: &random)),
                    limit: Int(Fuzz.integer(using: &random))))
        }
        #expect(try await engine.inspector.report().caches.count == 2)
    }

    @Test func `that are times beyond all reckoning are waited for`() async throws {
        let cache = Cache<String, String>(
            "accounts", maxsize: 8, ttl: Duration.nanoseconds(Int64.max)
        ) { $0 }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        let times: [Int64] = [.max, .max - 1, 1 << 62, 9_000_000_000_000_000_000]
        for time in times {
            _ = try await cache.value(for: "\(time)")
            let bounds = CacheConfiguration(maxsize: 4, ttl: .nanoseconds(time), jitter: 1)
            let plan = try await inspector.plan(.configure(cache: "accounts", to: bounds))
            _ = try await inspector.apply(
                plan.id, PlanApplication(lasting: .nanoseconds(time)), by: Operator("ops"))
            for _ in 0..<100 { _ = try await inspector.report() }
            #expect(try await inspector.progress(of: plan.id).state == .done)
            _ = try await inspector.undo(plan.id, by: Operator("ops"))
        }
    }
}
