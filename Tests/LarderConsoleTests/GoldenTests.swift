import CNcurses
import Foundation
import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// Whole screens as they are to be, each at four sizes, with the look of every character. What
/// differs is looked at; where it is meant, `LARDER_RECORD=1` writes the files anew.
@Suite struct `Whole screens` {
    static let sizes = [(40, 10), (80, 24), (120, 40), (200, 60)].map {
        Size(columns: $0.0, rows: $0.1)
    }

    @Test(arguments: Scene.all.map(\.name))
    func `are as they were`(name: String) throws {
        let scene = try #require(Scene.all.first { $0.name == name })
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Screens")
        let file = folder.appending(path: name.replacing(" ", with: "-") + ".txt")
        let now =
            Self.sizes.map { size in
                let frame = render(scene.model(size))
                return "\(size.columns)x\(size.rows)\n" + frame.text.joined(separator: "\n") + "\n"
                    + looks(frame)
            }.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["LARDER_RECORD"] != nil {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
            try now.write(to: file, atomically: true, encoding: .utf8)
        }
        let before = try String(contentsOf: file, encoding: .utf8)
        let lines = zip(
            before.split(separator: "\n", omittingEmptySubsequences: false),
            now.split(separator: "\n", omittingEmptySubsequences: false))
        for (old, new) in lines where old != new {
            Issue.record("\(name): was\n\(old)\nis\n\(new)")
            break
        }
        #expect(before == now)
    }

    /// The styles of each row that has any but the plain one, as `ROW COLUMN-COLUMN STYLE`.
    private func looks(_ frame: Frame) -> String {
        (0..<frame.size.rows).map { row in
            let runs = frame.runs(in: row).filter { run in
                run.style != .plain && (run.style == .selected || run.text.contains { $0 != " " })
            }
            let texts = runs.map { run in
                "\(run.column)-\(run.column + Text.width(of: run.text)) \(run.style)"
            }
            return texts.isEmpty ? "" : "\(row): " + texts.joined(separator: ", ") + "\n"
        }.joined()
    }
}

/// A screen that there is to see, and how one comes to it.
private struct Scene: Sendable {
    var name: String
    var glyphs = GlyphTier.blocks
    var arrive: @Sendable (inout Model) -> Void

    init(
        _ name: String, _ glyphs: GlyphTier = .blocks,
        _ arrive: @escaping @Sendable (inout Model) -> Void
    ) {
        self.name = name
        self.glyphs = glyphs
        self.arrive = arrive
    }

    func model(_ size: Size) -> Model {
        setlocale(LC_CTYPE, "C.UTF-8")
        var model = Model(size: size, glyphs: Glyphs(glyphs))
        for second in 0..<90 { Self.look(&model, second) }
        arrive(&model)
        return model
    }

    static let all: [Scene] = [
        Scene("entries") { _ = press(&$0, .down, .down, .char(" "), .char("l")) },
        Scene("entries in braille", .braille) { _ in },
        Scene("entries in ascii", .ascii) { _ = press(&$0, .char("w")) },
        Scene("entries lost") { _ = update(&$0, .lost("the engine does not answer")) },
        Scene("entries of before") { model in
            _ = update(&model, .froze(EntryPage(at: model.now, rows: rows, matched: 9, total: 9)))
            _ = press(&model, .char("{"))
        },
        Scene("before all records") { model in
            _ = update(&model, .froze(EntryPage(at: model.now, rows: rows, matched: 9, total: 9)))
            _ = press(&model, .char("{"), .char("{"))
        },
        Scene("expiry") { _ = press(&$0, .char("2"), .right, .right) },
        Scene("evictions") { _ = press(&$0, .char("3"), .down) },
        Scene("events") { _ = press(&$0, .char("4")) },
        Scene("config") { _ = press(&$0, .char("5")) },
        Scene("memory") { _ = press(&$0, .char("6"), .down) },
        Scene("origins") { _ = press(&$0, .char("7")) },
        Scene("what if") { model in
            _ = press(&model, .char("8"))
            model.whatIf.take(foreseen)
            _ = press(&model, .down, .right)
        },
        Scene("what if by fetches") { model in
            _ = press(&model, .char("8"), .char("M"))
            model.whatIf.take(foreseen)
            _ = press(&model, .end)
        },
        Scene("what if in ascii", .ascii) { model in
            _ = press(&model, .char("8"))
            model.whatIf.take(foreseen)
        },
        Scene("caches") { _ = press(&$0, .char("9"), .down) },
        Scene("commands") { _ = press(&$0, .char(":"), .tab) },
        Scene("undo") { model in
            var plan = Plan(
                id: "4f1c", instance: "1f",
                change: .configure(
                    cache: "accounts", to: CacheConfiguration(maxsize: 64, ttl: .seconds(120))),
                at: model.now, entries: 1, bytes: 402,
                victims: [
                    PlannedVictim(
                        id: EntryKey(cache: "accounts", key: "100000000010"), version: 7,
                        bytes: 402, cause: .evicted)
                ], skipped: [], before: CacheConfiguration(maxsize: 128, ttl: .seconds(300)))
            plan.takesBack = TakingBack(entries: 3, problems: [])
            plan.fetches = 2
            _ = update(&model, .planned(plan))
        },
        Scene("detail") { _ = press(&$0, .home, .enter) },
        Scene("help") { _ = press(&$0, .char("?")) },
        Scene("columns") { _ = press(&$0, .char("c"), .down) },
        Scene("a filter being typed") { model in
            _ = press(&model, .char("/"))
            type(&model, "hits>=1 and ttl<")
        },
        Scene("a command being typed") { model in
            _ = press(&model, .char(":"))
            type(&model, "pol")
        },
        Scene("a plan") { model in
            var plan = Plan(
                id: "4f1c", instance: "1f",
                change: .configure(
                    cache: "accounts", to: CacheConfiguration(maxsize: 8, ttl: .seconds(300))),
                at: model.now, entries: 56, bytes: 22_512,
                victims: (0..<56).map { number in
                    PlannedVictim(
                        id: EntryKey(cache: "accounts", key: "1000000000\(10 + number)"),
                        version: UInt64(number + 1), bytes: 402, cause: .evicted)
                }, skipped: [], before: CacheConfiguration(maxsize: 64, ttl: .seconds(300)))
            plan.fetches = 120
            _ = update(&model, .planned(plan))
            type(&model, "5")
        },
    ]

    private static let rows: [EntryRow] = {
        var refreshing = credential("100000000001/reader", left: 754, hits: 41)
        refreshing.refresh = RefreshFacts()
        refreshing.refresh?.isFetching = true
        refreshing.refresh?.waiters = 3
        var missing = account("100000000404", left: 4, hits: 0)
        missing.version = 0
        missing.refresh = RefreshFacts()
        missing.refresh?.trouble = Trouble(
            kind: .absent, reason: "there is no such item", since: at(998), until: at(1004),
            failures: 1)
        return [
            account("100000000009", left: -1, hits: 3), missing,
            account("100000000001", left: 4.2, hits: 12_884, version: 7),
            account("帳戶0000000002", left: 67, hits: 0, version: 8),
            account("100000000003", left: 180, hits: 1_204_334),
            account("a key that is longer than there is room for, by far", left: 200),
            refreshing, credential("100000000002/deploy", left: 3602),
            account("\u{1b}[2J100000000004", left: 295),
        ]
    }()

    /// One second after the other, with a spike of misses in the middle.
    private static func look(_ model: inout Model, _ second: Int) {
        let spike = (40..<44).contains(second)
        let misses = second * 5 + (spike ? 300 : 0)
        var engine = report(
            seconds: Double(second - 89), hits: UInt64(second * 95 + second % 7 * 3),
            misses: UInt64(misses), held: 60)
        engine.caches[0].snapshot.counters.evicted = UInt64(second * 4)
        engine.caches[0].snapshot.counters.expired = UInt64(second)
        engine.caches[0].snapshot.counters.unused = UInt64(second * 3)
        for place in engine.caches.indices {
            engine.caches[place].snapshot.lately = Lately(since: engine.at + .seconds(-600))
        }
        engine.caches[0].snapshot.lately?.misses = UInt64(misses)
        engine.caches[0].snapshot.lately?.ghostEvicted = UInt64(misses / 4)
        engine.memory.resident = (40 << 20) + second * 70_000
        var item = OriginReport(
            name: "GetItem", calls: UInt64(misses), retries: 3, throttles: 2,
            failures: ["ProvisionedThroughputExceededException": 2])
        item.savedCalls = UInt64(second * 95)
        item.savedDollars = Double(second) * 0.00012
        engine.origins = [item, OriginReport(name: "AssumeRole", calls: 4)]
        var look = Look(
            report: engine,
            page: EntryPage(at: engine.at, rows: rows, matched: rows.count, total: rows.count),
            query: model.query, detail: nil, events: [], dropped: second == 50 ? 1234 : 0)
        look.events = (0..<4).map { number in
            var event = evicted(
                UInt64(second * 4 + number), "1000000\(10_000 + second * 4 + number)",
                seconds: Double(second - 89))
            event.rival = "1000000\(20_000 + second * 4 + number)"
            return event
        }
        if second == 70 {
            look.events.append(
                LoggedEvent(
                    cache: "credentials", number: 1, at: engine.at, key: "100000000404",
                    kind: .failed(
                        took: .milliseconds(812), kind: .throttled, reason: "GetItem: throttled"),
                    by: nil)
            )
        }
        look.largest = rows.sorted { $0.bytes > $1.bytes }
        var forecast = Forecast(at: engine.at, width: .seconds(5), count: 180)
        var accounts = Forecast.Cache(name: "accounts", count: 180)
        for bucket in 0..<60 { accounts.ending[bucket] = bucket % 5 }
        accounts.ending[36] = 220
        accounts.lasting = accounts.ending.map { Double($0) / 2 }
        accounts.fetches = accounts.ending.map { Double($0) / 4 }
        accounts.longest = .seconds(900)
        accounts.peak = .init(at: engine.at + .seconds(181), fetches: 55)
        accounts.rate = 2
        accounts.later = 12
        forecast.caches = [accounts, Forecast.Cache(name: "credentials", count: 180)]
        look.forecast = forecast
        _ = update(&model, .looked(look))
        _ = update(&model, .lookedAtEntry(LarderConsoleTests.rows[0].id, detail))
        if second == 60 { _ = update(&model, .changed(change)) }
    }

    private static let change: ChangeRecord = {
        let bounds = [
            ChangeRecord.Bounds(
                cache: "accounts", before: CacheConfiguration(maxsize: 64, ttl: .seconds(120)),
                after: CacheConfiguration(maxsize: 64, ttl: .seconds(300)))
        ]
        return ChangeRecord(
            at: at(971), plan: "77aa", what: .applied,
            by: Operator("ops", reason: "too short", uid: 1001), bounds: bounds,
            entries: [], .nothing, failure: nil)
    }()
}
