import CNcurses
import Foundation
import Larder
@testable import LarderInspector

@testable import LarderConsole

/// 2026-11-23 14:07:00 UTC, where every fixture begins.
let start = Date(timeIntervalSince1970: 1_795_442_820)

func at(_ seconds: Double) -> AgeInstant {
    AgeInstant(nanoseconds: Int64(seconds * 1_000_000_000))
}

func account(
    _ number: String, left: Double, hits: UInt64 = 1, version: UInt64 = 1, ttl: Double = 300,
    now: Double = 1000
) -> EntryRow {
    EntryRow(
        id: EntryKey(cache: "accounts", key: number), version: version,
        writtenAt: at(now + left - ttl), expiry: nil, deadline: at(now + left), hits: hits,
        lastHit: hits > 0 ? at(now - 2) : nil, bytes: 402, fetchTime: .milliseconds(31))
}

func credential(_ role: String, left: Double, hits: UInt64 = 0, version: UInt64 = 9) -> EntryRow {
    EntryRow(
        id: EntryKey(cache: "credentials", key: role), version: version,
        writtenAt: at(1000 + left - 900), expiry: at(1000 + left), deadline: at(1000 + left),
        hits: hits, lastHit: nil, bytes: 8600, fetchTime: .milliseconds(212))
}

let rows = [
    account("100000000001", left: 4.2, hits: 12_884, version: 7),
    account("100000000002", left: 67, hits: 0, version: 8),
    credential("100000000001/reader", left: 754),
]

/// A report of both caches, `seconds` after the start, `lookups` made so far.
func report(
    seconds: Double = 0, hits: UInt64 = 900, misses: UInt64 = 100, maxsize: Int? = 64,
    held: Int = 2
) -> EngineReport {
    var counters = CacheCounters()
    counters.hits = hits
    counters.misses = misses
    let now = at(1000 + seconds)
    let accounts = CacheSnapshot(
        at: now, configuration: CacheConfiguration(maxsize: maxsize, ttl: .seconds(300)),
        count: held,
        bytes: 804, flights: 0, counters: counters)
    var credentials = accounts
    credentials.configuration = CacheConfiguration(maxsize: 64, ttl: nil)
    credentials.count = 1
    credentials.bytes = 8600
    credentials.counters = CacheCounters()
    return EngineReport(
        name: "accounts", instance: "1f", pid: 4242, at: now,
        wall: start.addingTimeInterval(seconds),
        caches: [
            CacheReport(name: "accounts", snapshot: accounts),
            CacheReport(name: "credentials", snapshot: credentials),
        ], memory: ProcessMemory(resident: 40 << 20, limit: 512 << 20))
}

func look(_ model: Model, _ rows: [EntryRow], _ report: EngineReport, events: [LoggedEvent] = [])
    -> Message
{
    .looked(
        Look(
            report: report,
            page: EntryPage(at: report.at, rows: rows, matched: rows.count, total: rows.count),
            query: model.query, detail: nil, events: events, dropped: 0))
}

/// A model that has looked twice, a second apart.
func model(_ columns: Int, _ height: Int, _ shown: [EntryRow] = rows, glyphs: Glyphs = .unicode)
    -> Model
{
    setlocale(LC_CTYPE, "C.UTF-8")
    var model = Model(size: Size(columns: columns, rows: height), glyphs: glyphs)
    _ = update(&model, look(model, shown, report(seconds: -1, hits: 800, misses: 90)))
    _ = update(&model, look(model, shown, report()))
    return model
}

func press(_ model: inout Model, _ keys: Key...) -> Effect? {
    var effect: Effect?
    for key in keys { effect = update(&model, .key(key)) }
    return effect
}

func type(_ model: inout Model, _ text: String) {
    for character in text { _ = update(&model, .key(.char(character))) }
}

let detail = EntryDetail(
    row: rows[0],
    value: .fields([
        .init("account_number", .text("100000000001")), .init("name", .text("Pine Labs")),
        .init("tags", .list([.text("a"), .number("2")])),
    ]))

func evicted(_ number: UInt64, _ key: String, seconds: Double = 0) -> LoggedEvent {
    LoggedEvent(
        cache: "accounts", number: number, at: at(1000 + seconds), key: key,
        kind: .removed(.evicted, version: number, age: .seconds(3), hits: 0), by: nil)
}

/// The screen as text.
func text(_ model: Model) -> String { render(model).text.joined(separator: "\n") }

/// What is foreseen for the accounts: larger and longer brings more.
let foreseen: WhatIfAnswer = {
    func point(_ size: Int, _ ttl: Double, _ policy: Policy = .lru, more: Double = 0) -> WhatIf {
        let factor = (size, ttl)
        let hit = 0.95 - 0.6 / (1 + Double(factor.0) / 40) - 0.1 / (1 + factor.1 / 300) + more
        return WhatIf(
            bounds: CacheConfiguration(maxsize: size, ttl: .seconds(ttl), policy: policy),
            hitRatio: hit, hitRatioError: size > 256 ? 0.031 : 0.004,
            fetchesPerSecond: 50 * (1 - hit), fetchesPerSecondError: 0.2, stale: ttl / 100_000,
            staleError: ttl / 200_000, entries: size, bytes: size * 402, bytesError: 0)
    }
    let sizes = [8, 16, 32, 64, 128, 256, 512]
    let ttls = [38.0, 75, 150, 300, 600, 1200, 2400]
    var answer = WhatIfAnswer(
        cache: "accounts", at: at(1000),
        basis: WhatIfBasis(
            window: .seconds(600), lookups: 30_000, recorded: 30_000, keys: 812, rate: 1,
            isWhole: true,
            changes: ChangeRate(compared: 1214, changed: 0, perSecond: 0, most: 1e-5)),
        present: point(64, 300),
        points: sizes.flatMap { size in ttls.map { point(size, $0) } },
        policies: Policy.names.enumerated().map {
            point(64, 300, Policy($1)!, more: Double($0) / 100)
        })
    answer.cost = FetchCost()
    answer.cost?.time = .milliseconds(40)
    answer.cost?.units = 0.5
    answer.kept = [
        Calibration(
            cache: "accounts", said: point(64, 300), came: 0.66, cameError: 0.02)
    ]
    return answer
}()
