import Foundation
import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderSocket

/// Answers of an engine that means no good, or is none.
@Suite struct `What an engine says of itself` {
    private func answers() async throws -> (report: Data, page: Data, forecast: Data, plan: Data) {
        let cache = Cache<String, String>("accounts", maxsize: 8, ttl: .seconds(300)) { $0 }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        for number in 0..<5 { _ = try await cache.value(for: "\(number)") }
        cache.invalidate("1")
        let encoder = JSONEncoder()
        return (
            try encoder.encode(try await inspector.report()),
            try encoder.encode(try await inspector.entries(Query())),
            try encoder.encode(try await inspector.forecast(width: .seconds(5), count: 4)),
            try encoder.encode(try await inspector.plan(.invalidateAll(cache: "accounts")))
        )
    }

    /// The same JSON with some of its numbers changed.
    private func changed(_ data: Data, using random: inout Seeded) -> Data {
        let text = String(decoding: data, as: UTF8.self)
        var made = ""
        var rest = text[...]
        while let number = rest.firstMatch(of: /-?[0-9][0-9.e+]*/) {
            made += rest[..<number.range.lowerBound]
            made +=
                Int.random(in: 0..<8, using: &random) == 0
                ? Fuzz.number(using: &random) : String(number.0)
            rest = rest[number.range.upperBound...]
        }
        return Data((made + rest).utf8)
    }

    @Test func `is believed where an engine could say it`() async throws {
        let real = try await answers()
        #expect(try JSONDecoder().decode(Report.self, from: real.report).isPlausible)
        #expect(try JSONDecoder().decode(Page.self, from: real.page).isPlausible)
        #expect(try JSONDecoder().decode(Forecast.self, from: real.forecast).isPlausible)
        #expect(try JSONDecoder().decode(Plan.self, from: real.plan).isPlausible)
    }

    @Test func `ends nobody who listens, whatever the numbers`() async throws {
        let real = try await answers()
        var random = Fuzz.random("answers of an engine")
        for _ in 0..<Fuzz.count {
            let decoder = JSONDecoder()
            let report = try? decoder.decode(
                Report.self, from: changed(real.report, using: &random))
            if let report, report.isPlausible {
                for cache in report.caches {
                    _ = (cache.snapshot.counters.lookups, cache.snapshot.counters.hitRatio)
                    _ = cache.snapshot.fetchTimes.quantile(0.99).map { Units.text($0) }
                    _ = Units.text(bytes: cache.snapshot.bytes)
                }
                _ = (Metrics.text(report), report.wall.formatted(.iso8601))
            }
            let page = try? decoder.decode(Page.self, from: changed(real.page, using: &random))
            if let page, page.isPlausible {
                _ = try Query(sort: .age, limit: 3).page(of: page.rows, at: page.at)
                for row in page.rows { _ = row.state(at: page.at) }
                let columns = PageColumns(page)
                #expect(columns.page(at: page.at) == page)
            }
            let forecast = try? decoder.decode(
                Forecast.self, from: changed(real.forecast, using: &random))
            if let forecast, forecast.isPlausible { _ = (forecast.ending, forecast.fetches) }
            let plan = try? decoder.decode(Plan.self, from: changed(real.plan, using: &random))
            if let plan, plan.isPlausible { #expect(plan.entries >= 0 && plan.bytes >= 0) }
        }
    }
}

@Suite struct `An engine's name` {
    @Test(arguments: [
        ("accounts", "accounts"), ("a.b_c-d", "a.b_c-d"), ("_accounts", "accounts"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "accounts"), ("-._", "larder"),
        ("", "larder"), ("café/tables/büro", "b-ro"), ("/", "larder"), ("a b", "a-b"),
    ])
    func `is made of a table's`(table: String, name: String) throws {
        #expect(Rendezvous.name(ofTable: table) == name)
    }

    @Test func `is one that can be, whatever the table's, and differs where long ones do`() throws {
        var random = Fuzz.random("tables")
        let long = String(repeating: "t", count: 70)
        let names = ["\(long)1", "\(long)2"].map { Rendezvous.name(ofTable: $0) }
        #expect(names[0] != names[1])
        for _ in 0..<Fuzz.count {
            let table = Fuzz.text(20, using: &random)
            let name = Rendezvous.name(ofTable: table)
            _ = try Rendezvous(folder: "/run/user/1000/larder", name: name)
        }
    }
}
