import Foundation
import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderSocket
@testable import LarderWire

/// Answers of an engine that means no good, or is none.
@Suite struct `What an engine says of itself` {
    private func answers() async throws -> (
        report: Data, page: Data, forecast: Data, plan: Data, history: Data
    ) {
        let cache = Cache<String, String>("accounts", maxsize: 8, ttl: .seconds(300)) { $0 }
        let inspector = LocalInspector("pantry")
        inspector.add(cache)
        for number in 0..<5 { _ = try await cache.value(for: "\(number)") }
        cache.invalidate("1")
        let encoder = JSONEncoder()
        return (
            try encoder.encode(try await inspector.report()),
            try encoder.encode(try await inspector.entries(EntryQuery())),
            try encoder.encode(try await inspector.forecast(width: .seconds(5), count: 4)),
            try encoder.encode(try await inspector.plan(.invalidateAll(cache: "accounts"))),
            try encoder.encode(
                HistoryColumns(
                    try await inspector.history(of: "accounts", since: AgeInstant(nanoseconds: 0))))
        )
    }

    /// JSON that is taken apart once, around its numbers, and made with some of them changed.
    private struct Answer {
        private var parts: [(before: String, number: String)] = []
        private var rest = ""

        init(_ data: Data) {
            let text = String(decoding: data, as: UTF8.self)
            var end = text.startIndex
            for match in text.matches(of: /-?[0-9][0-9.e+]*/) {
                parts.append((String(text[end..<match.range.lowerBound]), String(match.0)))
                end = match.range.upperBound
            }
            rest = String(text[end...])
        }

        /// One number in eight, or a single one: with several, most are refused at the first.
        func changed(using random: inout Seeded) -> Data {
            let single =
                Bool.random(using: &random) ? Int.random(in: 0..<parts.count, using: &random) : nil
            var made = ""
            for (place, part) in parts.enumerated() {
                let isChanged =
                    single.map { $0 == place }
                    ?? (Int.random(in: 0..<8, using: &random) == 0)
                made += part.before + (isChanged ? Fuzz.number(using: &random) : part.number)
            }
            return Data((made + rest).utf8)
        }
    }

    @Test func `is believed where an engine could say it`() async throws {
        let real = try await answers()
        #expect(try JSONDecoder().decode(EngineReport.self, from: real.report).isPlausible)
        #expect(try JSONDecoder().decode(EntryPage.self, from: real.page).isPlausible)
        #expect(try JSONDecoder().decode(Forecast.self, from: real.forecast).isPlausible)
        #expect(try JSONDecoder().decode(Plan.self, from: real.plan).isPlausible)
        let history = try JSONDecoder().decode(HistoryColumns.self, from: real.history).history
        #expect(history?.samples.count ?? 0 >= 1)
    }

    @Test func `is not believed where its figures could not be added up or drawn`() async throws {
        let real = try await answers()
        let decoder = JSONDecoder()
        var report = try decoder.decode(EngineReport.self, from: real.report)
        report.memory.mapped = .min
        #expect(!report.isPlausible)
        report.memory.mapped = nil
        report.caches = Array(repeating: report.caches[0], count: 600)
        #expect(!report.isPlausible)
        var forecast = try decoder.decode(Forecast.self, from: real.forecast)
        forecast.width = .seconds(1_000_000_000)
        #expect(!forecast.isPlausible)
        forecast.width = .seconds(5)
        forecast.caches[0].ending = Array(repeating: 1 << 53, count: 4)
        #expect(!forecast.isPlausible)
        var plan = try decoder.decode(Plan.self, from: real.plan)
        plan.unnamed = .max
        #expect(!plan.isPlausible)
        var page = try decoder.decode(EntryPage.self, from: real.page)
        page.rows[0].fetchRate = .infinity
        #expect(!page.isPlausible)
        let samples = (0..<5000).map { CacheSample(at: AgeInstant(nanoseconds: $0)) }
        let long = CacheHistory(
            cache: "accounts", instance: "x", at: AgeInstant(nanoseconds: 5000), samples: samples)
        #expect(HistoryColumns(long).history == nil)
    }

    @Test func `ends nobody who listens, whatever the numbers`() async throws {
        let real = try await answers()
        let (reports, pages) = (Answer(real.report), Answer(real.page))
        let (forecasts, plans) = (Answer(real.forecast), Answer(real.plan))
        let histories = Answer(real.history)
        var random = Fuzz.random("answers of an engine")
        for _ in 0..<Fuzz.count {
            let decoder = JSONDecoder()
            let report = try? decoder.decode(
                EngineReport.self, from: reports.changed(using: &random))
            if let report, report.isPlausible {
                for cache in report.caches {
                    _ = (cache.snapshot.counters.lookups, cache.snapshot.counters.hitRatio)
                    _ = cache.snapshot.fetchTimes.quantile(0.99).map { Units.text($0) }
                    _ = Format.bytes(cache.snapshot.bytes)
                }
                _ = (MetricsText.text(report), report.wall.formatted(.iso8601))
            }
            let page = try? decoder.decode(EntryPage.self, from: pages.changed(using: &random))
            if let page, page.isPlausible {
                _ = try EntryQuery(sort: .age, limit: 3).page(of: page.rows, at: page.at)
                for row in page.rows { _ = row.state(at: page.at) }
                let columns = PageColumns(page)
                #expect(columns.page(at: page.at) == page)
            }
            let forecast = try? decoder.decode(
                Forecast.self, from: forecasts.changed(using: &random))
            if let forecast, forecast.isPlausible { _ = (forecast.ending, forecast.fetches) }
            let history = try? decoder.decode(
                HistoryColumns.self, from: histories.changed(using: &random))
            if let history, history.isPlausible {
                #expect(history.history.flatMap { HistoryColumns($0).history } == history.history)
            }
            let plan = try? decoder.decode(Plan.self, from: plans.changed(using: &random))
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
