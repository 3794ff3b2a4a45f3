import CNcurses
import Foundation
import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// Any keys and sizes, while entries die and reload under it; a quarter of a million steps in all, or
/// as many as `ROBOT_STEPS` says.
@Suite struct `Whatever happens` {
    static let seeds = 50

    @Test(arguments: 0..<seeds)
    func `the cursor keeps its entry, keys act on what is seen, and frames fit`(seed: Int) {
        let wanted = ProcessInfo.processInfo.environment["ROBOT_STEPS"].flatMap { Int($0) }
        var robot = Robot(seed: UInt64(seed))
        for _ in 0..<(wanted ?? 250_000) / Self.seeds {
            if let broken = robot.step() {
                Issue.record("seed \(seed), step \(robot.steps): \(broken)")
                return
            }
        }
    }
}

/// Drives `update`, with a small engine of its own that answers late or at once.
private struct Robot {
    var model: Model
    var engine: SmallEngine
    var steps = 0
    /// Questions and changes that the engine has not answered yet.
    private var waiting: [Effect] = []
    private var random: Seeded
    private var now = 1000.0

    init(seed: UInt64) {
        setlocale(LC_CTYPE, "C.UTF-8")
        random = Seeded(seed)
        model = Model(size: Size(columns: 80, rows: 24), glyphs: .unicode)
        engine = SmallEngine()
        _ = give(.looked(engine.look(model, at: now)))
    }

    private static let keys: [Key] =
        KeyBindings().all.flatMap(\.keys).filter { ![.control("c"), .control("z")].contains($0) }
        + "x9hyl&<\"é帳".map { .char($0) } + [
            .left, .right, .tab, .backspace, .wheelUp, .wheelDown, .pasted("ttl>1s\n"),
        ]

    /// Keys that many more are pressed of than of others.
    private static let often: [Key] = [.down, .up, .char("j"), .enter, .escape, .right, .char("d")]

    /// One thing that happens; what it broke, if anything.
    mutating func step() -> String? {
        steps += 1
        switch Int.random(in: 0..<100, using: &random) {
        case 0:
            return give(
                .resized(
                    Size(
                        columns: .random(in: 1...200, using: &random),
                        rows: .random(in: 1...60, using: &random))))
        case 1...10:
            now += .random(in: 0...2, using: &random)
            engine.live(at: now, &random)
            return give(.tick(at(now)))
        case 11...20:
            return give(.looked(engine.look(model, at: now)))
        case 21...25:
            guard !waiting.isEmpty else { return nil }
            return answer(waiting.removeFirst())
        case 26:
            return Bool.random(using: &random)
                ? give(.lost("the engine does not answer"))
                : give(.remembered(engine.remembered(at: now, &random)))
        case 27:
            engine.restarts(&random)
            return give(.looked(engine.look(model, at: now)))
        case 28...29:
            return press(
                .click(
                    Place(
                        row: .random(in: 0..<model.size.rows, using: &random),
                        column: .random(in: 0..<model.size.columns, using: &random))))
        case 30...45: return press(Self.often.randomElement(using: &random)!)
        default: return press(Self.keys.randomElement(using: &random)!)
        }
    }

    private mutating func press(_ key: Key) -> String? {
        let before = model
        let effect = update(&model, .key(key))
        if let broken = check(effect, before) { return "\(key.name): \(broken)" }
        if let effect, effect != .quit { waiting.append(effect) }
        return check(after: key.name)
    }

    private mutating func give(_ message: Message) -> String? {
        let before = model
        let effect = update(&model, message)
        if let effect { waiting.append(effect) }
        if waiting.count > 50 { waiting.removeFirst(25) }
        if case .looked = message, let cursor = before.cursor, before.isPinned, !before.follows,
            before.report?.instance == model.report?.instance,
            model.rows.contains(where: { $0.id == cursor }), model.cursor != cursor
        {
            return
                "the cursor left \(cursor.key), which is there, for \(model.cursor?.key ?? "none")"
        }
        return check(after: "a message")
    }

    /// A key acts on what was seen, in the version that was seen.
    private func check(_ effect: Effect?, _ before: Model) -> String? {
        switch effect {
        case .plan(.invalidate(let seen)), .plan(.soften(let seen)):
            if case .plan = before.overlay { return nil }
            for entry in seen {
                if before.view == .entries, !before.marks.isEmpty {
                    guard before.marks[entry.id] == entry.version else {
                        return "\(entry.id.key) is asked for and not marked"
                    }
                } else {
                    let shown = before.selected
                    guard shown?.id == entry.id, shown?.version == entry.version else {
                        return "\(entry.id.key) is asked for and not selected"
                    }
                    guard isSeen(entry.id, before) else {
                        return "\(entry.id.key) is asked for and not on the screen"
                    }
                }
            }
        case .planShown(let seen):
            let drawn = Dictionary(before.rows.map { ($0.id, $0.version) }) { first, _ in first }
            for entry in seen where drawn[entry.id] != entry.version {
                return "\(entry.id.key) is asked for and was not drawn so"
            }
        case .undo(let plan, _):
            guard case .plan(let dialog) = before.overlay, dialog.plan.id == plan,
                dialog.focus != .cancel, dialog.plan.takesBack != nil
            else { return "\(plan) is taken back and was not asked about" }
        case .export(_, _, let overwrites) where overwrites:
            guard case .prompt(let prompt) = before.overlay, prompt.text.hasPrefix("y") else {
                return "a file is written over that was not asked about"
            }
        case .apply(let plan, let how, _):
            guard case .plan(let dialog) = before.overlay, dialog.plan.id == plan,
                dialog.focus != .cancel
            else { return "\(plan) is applied and was not asked about" }
            if let confirmation = dialog.confirmation, dialog.typed != confirmation {
                return "\(plan) is applied and was not confirmed"
            }
            if dialog.isPaced, how.spread == nil { return "\(plan) is not spread" }
        default: break
        }
        return nil
    }

    private func isSeen(_ id: EntryKey, _ model: Model) -> Bool {
        guard model.view == .entries else { return true }
        let place = model.position - model.offset
        return model.rows.indices.contains(place) && model.rows[place].id == id
            && (model.top..<model.top + model.layout.visibleRows).contains(model.position)
    }

    private func check(after what: String) -> String? {
        if model.frozen == nil, model.matched > 0, !model.follows {
            guard (0..<model.matched).contains(model.position) else {
                return "\(what): position \(model.position) of \(model.matched)"
            }
            let visible = model.top..<model.top + model.layout.visibleRows
            guard visible.contains(model.position) else {
                return "\(what): position \(model.position) is not in \(visible)"
            }
        }
        if model.log.lines.count > 500 || model.events.count > 20_000 || model.commands.count > 100
        {
            return "\(what): what is kept grows"
        }
        if model.view == .whatIf, let answer = model.whatIf.answer, let aimed = model.aimedCache,
            !answer.cache.isExactly(aimed)
        {
            return "\(what): what is foreseen of \(answer.cache) is shown for \(aimed)"
        }
        // Drawing takes longer than all else.
        guard steps % 64 == 0 else { return nil }
        let frame = render(model)
        guard frame.cells.count == model.size.columns * model.size.rows else {
            return "\(what): the frame has \(frame.cells.count) cells"
        }
        for (row, line) in frame.text.enumerated() {
            let width = Text.width(of: line)
            if width > model.size.columns {
                return "\(what): row \(row) has \(width) columns of \(model.size.columns): \(line)"
            }
        }
        return nil
    }

    /// What the engine says to something that was asked of it.
    private mutating func answer(_ effect: Effect) -> String? {
        switch effect {
        case .look: return give(.looked(engine.look(model, at: now)))
        case .lookAtEntry:
            guard let cursor = model.cursor else { return nil }
            let detail = engine.rows[cursor].map { EntryDetail(row: $0, value: .text("é帳")) }
            return give(.lookedAtEntry(cursor, detail))
        case .freeze:
            let rows = Array(engine.rows.values)
            return give(
                .froze(EntryPage(at: at(now), rows: rows, matched: rows.count, total: rows.count)))
        case .plan(let change): return give(.planned(engine.plan(change, at: now)))
        case .planShown(let seen):
            return give(.plannedMatching(engine.plan(.invalidate(seen), at: now), left: 0))
        case .planMatching(let query, let drawn):
            let rows = (try? query.page(of: Array(engine.rows.values), at: at(now)).rows) ?? []
            let seen = rows.filter { $0.writtenAt <= drawn }
                .map { SeenEntry(id: $0.id, version: $0.version) }
            let plan = engine.plan(.invalidate(seen), at: now)
            return give(.plannedMatching(plan, left: rows.count - seen.count))
        case .planUndo(let plan): return give(.planned(engine.planUndo(plan, at: now)))
        case .apply(let plan, let how, let reason):
            let before = engine.rows
            let outcome = engine.apply(plan)
            if let broken = engine.check(plan, before) { return broken }
            let by = reason.map { Operator("robot", reason: $0) } ?? Operator("robot")
            if how.spread == nil, Bool.random(using: &random) {
                _ = give(.failed("there is no plan \(plan) (by \(by))"))
            }
            return give(.applied(plan, outcome))
        case .undo(let plan, _):
            var outcome = Outcome.nothing
            outcome.restored = .random(in: 0...2, using: &random)
            outcome.removed = .random(in: 0...2, using: &random)
            guard Bool.random(using: &random) else {
                return give(.notUndone(plan, "not all was taken back"))
            }
            return give(.undone(plan, outcome))
        case .seek(let key):
            return give(.sought(key, engine.rows[key].map { EntryDetail(row: $0, value: .null) }))
        case .find(let key, let query):
            return give(.found(key, engine.rows(query, at: now).firstIndex { $0.id == key }))
        case .search(let text, let from, let backwards, let query):
            let rows = engine.rows(query, at: now)
            let place = Search.place(of: text, in: rows, from: from, backwards: backwards)
            return give(.searched(text, place.map { rows[$0].id }, place ?? 0))
        case .export(let path, let text, let overwrites):
            return overwrites ? nil : give(.fileExists(path: path, text: text))
        case .fetch(let key):
            let row = engine.rows[key]
            return give(.fetched(FetchResult(id: key, wasHit: row != nil, value: .null, row: row)))
        case .findEngines:
            return give(.engines([.init("a", about: "a, up 3s"), .init("b", about: "b")]))
        case .cancel, .verify, .copy, .attach, .switchEngine, .use, .useMouse,
            .suspend, .repaint,
            .quit:
            return nil
        }
    }
}

/// Entries that come, go and change, and plans about them.
private struct SmallEngine {
    var rows: [EntryKey: EntryRow] = [:]
    private var version: UInt64 = 0
    private var plans: [Plan.ID: Plan] = [:]
    private var events: [LoggedEvent] = []
    private var instance = 1
    private var number: UInt64 = 0

    /// Some entries die, some reload, some are new.
    mutating func live(at now: Double, _ random: inout Seeded) {
        let names = ["k", "key with blanks ", "帳戶", "e\u{301}\u{1b}[2J"]
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            let name =
                names.randomElement(using: &random)! + "\(Int.random(in: 0..<60, using: &random))"
            let isCredential = Int.random(in: 0..<5, using: &random) == 0
            let id = EntryKey(cache: isCredential ? "credentials" : "accounts", key: name)
            if let row = rows[id], Bool.random(using: &random) {
                rows[id] = nil
                log(
                    id, .removed(.evicted, version: row.version, age: .seconds(3), hits: row.hits),
                    now)
                continue
            }
            version += 1
            let ttl = Double.random(in: -2...900, using: &random)
            rows[id] = EntryRow(
                id: id, version: version, writtenAt: at(now), expiry: nil, deadline: at(now + ttl),
                hits: .random(in: 0...99, using: &random),
                lastHit: [nil, at(now), at(now - 100)].randomElement(using: &random)!,
                bytes: .random(in: 1...9000, using: &random), fetchTime: .milliseconds(3),
                fetchRate: [nil, 0, 0.02, 1e9].randomElement(using: &random)!,
                toGo: [nil, 1, 64, .max, -1].randomElement(using: &random)!)
            log(id, .written(version: version, took: .milliseconds(3), bytes: 10), now)
        }
    }

    private mutating func log(_ id: EntryKey, _ kind: EventKind, _ now: Double) {
        number += 1
        events.append(
            LoggedEvent(
                cache: id.cache, number: number, at: at(now), key: id.key, kind: kind, by: nil))
    }

    mutating func restarts(_ random: inout Seeded) {
        instance += 1
        rows = [:]
        plans = [:]
        version = .random(in: 0...9, using: &random)
    }

    /// What this run, or another, kept of some of the time before.
    func remembered(at now: Double, _ random: inout Seeded) -> Remembered {
        var remembered = Remembered(instance: Bool.random(using: &random) ? "\(instance)" : "0")
        remembered.events = events
        var times = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            Double.random(in: now - 4000...now + 1, using: &random)
        }
        times.sort()
        let samples = times.map { time in
            var sample = CacheSample(at: at(time))
            sample.hits = .random(in: 0...1 << 53, using: &random)
            sample.count = .random(in: 0...1 << 53, using: &random)
            sample.maxsize = Bool.random(using: &random) ? 9 : nil
            return sample
        }
        let cache = ["accounts", "credentials", "another"].randomElement(using: &random)!
        remembered.histories = [
            CacheHistory(
                cache: cache, instance: remembered.instance, at: at(now), samples: samples)
        ]
        return remembered
    }

    /// The cache that the look before asked about: every other look comes late.
    private var late: String?

    mutating func look(_ model: Model, at now: Double) -> Look {
        var engine = report(seconds: now - 1000, held: rows.count)
        engine.instance = "\(instance)"
        let page =
            (try? model.asked.page(of: Array(rows.values), at: at(now)))
            ?? EntryPage(at: at(now), rows: [], matched: 0, total: rows.count)
        defer { events = [] }
        var look = Look(
            report: engine, page: page, query: model.asked, detail: nil, events: events, dropped: 0)
        var forecast = Forecast(at: at(now), width: .seconds(5), count: 180)
        var cache = Forecast.Cache(name: "accounts", count: 180)
        cache.ending[3] = rows.count
        forecast.caches = [cache]
        if model.view == .expiry { look.forecast = forecast }
        if model.view == .memory {
            look.largest = try? EntryQuery(sort: .size, descending: true).page(
                of: Array(rows.values), at: at(now)
            ).rows
        }
        if model.view == .whatIf || model.view == .evictions, let cache = late ?? model.aimedCache {
            late = late == nil ? cache : nil
            look.whatIfCache = cache
            look.whatIf = foreseen
            look.whatIf?.cache = cache
        }
        return look
    }

    /// All that a query lists.
    func rows(_ query: EntryQuery, at now: Double) -> [EntryRow] {
        (try? query.page(of: Array(rows.values), at: at(now)).rows) ?? []
    }

    mutating func planUndo(_ id: Plan.ID, at now: Double) -> Plan {
        var plan = plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 8, ttl: nil)), at: now)
        plan.id = id
        plan.takesBack = TakingBack(entries: 2, problems: ["orders were changed since"])
        return plan
    }

    mutating func plan(_ change: Change, at now: Double) -> Plan {
        let seen: [SeenEntry] =
            switch change {
            case .invalidate(let seen), .soften(let seen): seen
            case .configure, .invalidateAll, .all: []
            }
        let victims = seen.filter { rows[$0.id]?.version == $0.version }.map {
            PlannedVictim(id: $0.id, version: $0.version!, bytes: 9, cause: .invalidated)
        }
        var plan = Plan(
            id: "p\(plans.count)", instance: "\(instance)", change: change, at: at(now),
            entries: victims.count, bytes: 9 * victims.count, victims: victims,
            skipped: seen.filter { rows[$0.id]?.version != $0.version }.map {
                Skipped(id: $0.id, why: "now version 9")
            }, before: nil)
        plan.fetches = victims.count * 3
        if case .configure = change {
            plan.before = CacheConfiguration(maxsize: 64, ttl: .seconds(300))
        }
        plans[plan.id] = plan
        return plan
    }

    mutating func apply(_ id: Plan.ID) -> Outcome {
        guard let plan = plans[id] else { return .nothing }
        var outcome = Outcome.nothing
        for victim in plan.victims where rows[victim.id]?.version == victim.version {
            rows[victim.id] = nil
            outcome.removed += 1
        }
        return outcome
    }

    /// Only what the plan names went.
    func check(_ id: Plan.ID, _ before: [EntryKey: EntryRow]) -> String? {
        let named = Set(plans[id]?.victims.map(\.id) ?? [])
        let gone = before.keys.filter { rows[$0] == nil }
        return gone.contains { !named.contains($0) } ? "more went than \(id) named" : nil
    }
}
