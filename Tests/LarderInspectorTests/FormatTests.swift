import Foundation
import Larder
import LarderTesting
import TestSupport
import Testing

@testable import LarderInspector

/// One style of figures, whoever writes them.
@Suite struct `Figures` {
    @Test(
        arguments: [
            (-1, "0s"), (0, "0s"), (0.999, "0s"), (9.99, "9s"), (44, "44s"), (59.9, "59s"),
            (60, "1m00s"), (664, "11m04s"), (3599, "59m59s"), (3600, "1h00m"), (7800, "2h10m"),
            (86_399, "23h59m"), (86_400, "1d00h"), (356_400, "4d03h"),
        ] as [(Double, String)])
    func `of time that has passed have two units, rounded down`(seconds: Double, text: String) {
        #expect(Format.age(.seconds(seconds)) == text)
    }

    @Test(arguments: [
        (nil, "-"), (Duration.zero, "0s"), (.nanoseconds(1), "1s"), (.seconds(14), "14s"),
        (.seconds(-3), "0s"), (.milliseconds(59_001), "1m00s"), (.seconds(664), "11m04s"),
        (.seconds(3730), "1h02m"), (.seconds(360_000), "4d04h"),
        (.nanoseconds(Int64.max), "106751d23h"),
    ])
    func `of time left have two units, and say 0s if and only if it is over`(
        left: Duration?, text: String
    ) {
        #expect(Format.left(left) == text)
    }

    @Test(
        arguments: [
            (0, "0us"), (0.00034, "340us"), (0.0009996, "1.0ms"), (0.0052, "5.2ms"),
            (0.031, "31ms"), (0.9999, "1.0s"), (1.24, "1.2s"), (59.94, "59.9s"), (59.96, "59s"),
            (75.4, "1m15s"),
        ] as [(Double, String)])
    func `of work have parts of a second`(seconds: Double, text: String) {
        #expect(Format.took(.seconds(seconds)) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (276, "276 B"), (999, "999 B"), (1000, "1.0 KiB"), (1126, "1.1 KiB"),
        (8600, "8.4 KiB"), (10_189, "10 KiB"), (131_072, "128 KiB"), (1_023_488, "1.0 MiB"),
        (64 << 20, "64 MiB"), (2 << 30, "2.0 GiB"), (Int.max, "8192 PiB"), (-8600, "-8.4 KiB"),
    ])
    func `of bytes say their unit`(bytes: Int, text: String) {
        #expect(Format.bytes(bytes) == text)
    }

    @Test(arguments: ["64 MiB", "64MiB", "64M"])
    func `of bytes are read as they are shown`(text: String) throws {
        #expect(try Units.maxbytes(text) == 64 << 20)
        #expect(try Units.maxbytes("64 B") == 64)
    }

    @Test(arguments: ["MiB", " MiB", "64 b c", "64MB", "64 iB", "64  MiB", "64 MiB ", "1.5 MiB"])
    func `of bytes that are none are refused`(text: String) {
        #expect(throws: UnitError.self) { try Units.maxbytes(text) }
    }

    @Test(
        arguments: [
            (nil, "-"), (0, "0"), (0.001, "0.01"), (1 / 60, "0.02"), (0.994, "0.99"),
            (0.996, "1.0"), (2.13, "2.1"), (9.96, "10"), (12_345, "12,345"), (-1, "0"),
        ] as [(Double?, String)])
    func `of fetches of a key are 0 only where there were none`(rate: Double?, text: String) {
        #expect(Format.perSecond(rate) == text)
    }

    @Test(
        arguments: [
            (nil, "-"), (0, "0.0%"), (0.0004, "<0.1%"), (0.0005, "0.1%"), (0.9731, "97.3%"),
            (0.99999, "99.9%"), (1, "100%"), (.nan, "-"),
        ] as [(Double?, String)])
    func `of shares are all or nothing only where they are`(share: Double?, text: String) {
        #expect(Format.percent(share) == text)
    }

    @Test func `of things say what they are of`() {
        #expect(Units.counted(1, "entry", "entries") == "1 entry")
        #expect(Units.counted(1234, "entry", "entries") == "1,234 entries")
    }

    @Test func `stay within the width of their columns, however large`() {
        var random = Fuzz.random("figures")
        for _ in 0..<Fuzz.count {
            let number = Fuzz.integer(using: &random)
            #expect(Format.bytes(Int(clamping: number.magnitude)).count <= 8)
            let hundredYears = Int64(100 * 366 * 86_400) * 1_000_000_000
            let time = Duration.nanoseconds(number.magnitude % UInt64(hundredYears))
            #expect(Format.age(time).count <= 9 && Format.left(time).count <= 9)
            #expect(Format.age(.milliseconds(number.magnitude % 8_640_000_000)).count <= 6)
            #expect(Format.took(time).count <= 9)
        }
    }

    @Test func `that are ids have one length`() {
        #expect(LocalInspector.id(0x1f) == "000000000000001f")
        #expect(LocalInspector.id(.max) == "ffffffffffffffff")
    }
}

@Suite struct `Columns` {
    @Test func `that are none are told which there are`() {
        let error = #expect(throws: UnitError.self) { try EntryColumn(named: "bytes") }
        #expect(
            error?.description.hasPrefix("\"bytes\" is no column; cache, key, ttl, ") == true)
        #expect(error?.description.hasSuffix("loads, state are accepted") == true)
    }

    @Test(arguments: ["hits:desc", "ttl:asc", "togo:"])
    func `that are orders are told to be`(text: String) {
        let error = #expect(throws: UnitError.self) { try EntryColumn(named: text) }
        #expect(error?.description.contains("is an order, which --sort takes") == true)
    }

    @Test func `have a name and say what stands there`() throws {
        for column in EntryColumn.allCases {
            #expect(try EntryColumn(named: column.rawValue) == column)
            #expect(!column.about.isEmpty && column.about.count <= 50)
        }
    }

    @Test func `tell how often a key was written while it stayed`() async throws {
        let engine = Engine(maxsize: 3)
        for key in ["a", "b", "b", "c"] { engine.accounts.insert(Account(name: key), for: key) }
        let query = EntryQuery(filter: "loads>1", sort: try EntryColumn(named: "loads"))
        let page = try await engine.inspector.entries(query)
        #expect(page.rows.map(\.id.key) == ["b"])
        let loads = page.rows.map { query.sort.value(of: $0, at: page.at) }
        #expect(loads == [.number("2")])
    }

    @Test func `tell what goes next, what is fetched most and what was used last`() async throws {
        let engine = Engine(maxsize: 3)
        for key in ["a", "b", "c"] {
            _ = try await engine.accounts.value(for: key)
            engine.clock.advance(by: .seconds(1))
        }
        for key in ["c", "a"] {
            _ = try await engine.accounts.value(for: key)
            engine.clock.advance(by: .seconds(1))
        }
        engine.accounts.invalidate("c")
        _ = try await engine.accounts.value(for: "c")
        func keys(_ sort: EntryColumn, descending: Bool = false) async throws -> [String] {
            try await engine.inspector.keys(EntryQuery(sort: sort, descending: descending))
        }
        #expect(try await keys(.togo) == ["b", "a", "c"])
        #expect(try await keys(.togo, descending: true) == ["c", "a", "b"])
        #expect(try await keys(.fetches, descending: true) == ["c", "a", "b"])
        #expect(try await keys(.lasthit) == ["a", "b", "c"])
        let rows = try await engine.inspector.entries(EntryQuery(sort: .key)).rows
        #expect(rows.map(\.toGo) == [2, 1, 3])
        let counts = rows.map { Int((60 * ($0.fetchRate ?? -1)).rounded()) }
        #expect(counts == [1, 1, 2])
        let detail = try await engine.inspector.entry(rows[2].id)
        #expect(detail?.row == rows[2])
        #expect(EntryColumn.togo.value(of: rows[0], at: engine.clock.now) == .number("2"))
        #expect(EntryColumn.lasthit.value(of: rows[1], at: engine.clock.now) == .null)
    }

    @Test func `tell a turn in a large cache only where it is the order`() async throws {
        let engine = Engine(maxsize: 5000)
        for number in 0..<4097 { engine.accounts.insert(Account(name: ""), for: "\(number)") }
        let by = { (query: EntryQuery) in try await engine.inspector.entries(query).rows.map(\.toGo)
        }
        #expect(try await by(EntryQuery(sort: .ttl, limit: 2)) == [nil, nil])
        #expect(try await by(EntryQuery(sort: .togo, offset: 10, limit: 2)) == [11, 12])
        #expect(try await by(EntryQuery(filter: "4096", sort: .togo)) == [4097])
        #expect(try await by(EntryQuery(sort: .togo, descending: true, limit: 1)) == [4097])
    }

    @Test func `tell when an entry is fetched again`() {
        let now = AgeInstant(nanoseconds: 0)
        var row = EntryRow(
            id: EntryKey(cache: "accounts", key: "a"), version: 1, writtenAt: now, expiry: nil,
            deadline: now + .seconds(300), hits: 0, lastHit: nil, bytes: 1, fetchTime: .zero)
        #expect(row.nextRefresh(at: now) == nil)
        row.refresh = RefreshFacts()
        row.refresh?.start = row.deadline
        #expect(row.nextRefresh(at: now) == nil)
        row.refresh?.start = now + .seconds(240)
        #expect(row.nextRefresh(at: now) == now + .seconds(240))
        row.refresh?.isFetching = true
        #expect(row.nextRefresh(at: now) == now)
        row.refresh?.trouble = Trouble(
            kind: .failed, reason: "", since: now, until: now + .seconds(5), failures: 1)
        #expect(row.nextRefresh(at: now) == now + .seconds(5))
    }
}
