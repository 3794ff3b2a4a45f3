import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// Past its end for twelve seconds, since fetches fail.
private func stale(_ key: String = "100000000001", _ past: Double = 12) -> EntryRow {
    var row = account(key, left: -past, hits: 3)
    row.refresh = RefreshFacts()
    row.refresh?.trouble = Trouble(
        kind: .failed, reason: "slow down", since: at(960), last: at(990), until: at(1020),
        failures: 4)
    return row
}

/// What a fresh reader asks, and sees.
@Suite struct `Which entry is stale` {
    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `is counted under the table, and since when stands in its row and in full`(
        columns: Int, height: Int
    ) {
        var model = model(columns, height, [stale(), rows[1]])
        #expect(text(model).contains("! 1 stale"))
        #expect(
            render(model).text.contains { $0.contains("100000000001") && $0.contains(" -12s ") })
        _ = press(&model, .enter)
        let shown = text(model)
        #expect(shown.contains("stale     for 12s  since 14:06:48"))
        #expect(shown.contains("failed 4x since 14:06:20"))
        model.showsTimes = true
        _ = press(&model, .escape)
        #expect(
            render(model).text.contains { $0.contains("100000000001") && $0.contains("14:06:48") })
    }

    @Test func `has a plus where not all that are need be at hand`() {
        var model = model(80, 24, [stale(), rows[1]])
        func seen(_ rows: [EntryRow]) {
            let page = EntryPage(at: at(1000), rows: rows, matched: 500, total: 500)
            _ = update(
                &model,
                .looked(
                    Look(
                        report: report(), page: page, query: model.query, detail: nil, events: [],
                        dropped: 0)))
        }
        seen([stale(), stale("k"), rows[1]])
        #expect(text(model).contains("! 2+ stale"))
        seen([rows[1]])
        #expect(!text(model).contains("stale"))
    }

    @Test func `and one that was marked so says since when it is`() {
        var marked = rows[0]
        marked.isMarkedStale = true
        var model = model(120, 40, [marked])
        #expect(text(model).contains("! 1 stale"))
        var seen = EntryDetail(row: marked, value: .null)
        seen.history = [
            LoggedEvent(
                cache: "accounts", number: 3, at: at(995), key: rows[0].id.key,
                kind: .softened(version: 7), by: Operator("ops"))
        ]
        _ = update(&model, .lookedAtEntry(rows[0].id, seen))
        _ = press(&model, .enter)
        #expect(
            text(model).contains(
                "state     stale  marked since 14:06:55, served until refreshed"))
    }
}

@Suite struct `A storm that comes` {
    @Test func `is told beside the fetches of now, and by the budget that was set`() {
        var model = seen(15)
        model.forecast?.caches[0].rate = 0.5
        _ = press(&model, .char("2"))
        #expect(
            text(model).contains("no storm is coming")
                && text(model).contains("0.5/s in the last minute"))
        model.forecast?.caches[0].rate = 80
        #expect(text(model).contains("but now is beyond the budget of 50"))
        model.forecast?.caches[0].rate = 0.5
        // 3/s is beyond a budget of 1/s, however few they are.
        model.budget = 1
        #expect(text(model).contains("STORM at 14:08:40"))
    }

    private func seen(_ fetches: Double, at second: Double = 1100) -> Model {
        var model = model(100, 30)
        var forecast = Forecast(at: at(1000), width: .seconds(5), count: 180)
        var cache = Forecast.Cache(name: "accounts", count: 180)
        cache.ending[20] = 900
        cache.peak = .init(at: at(second), fetches: fetches)
        forecast.caches = [cache]
        model.forecast = forecast
        return model
    }

    @Test func `is said in every look at the table, and that there is none where it is asked`() {
        var model = seen(900)
        #expect(text(model).contains("2 STORM at 14:08:40"))
        _ = press(&model, .char("2"))
        #expect(text(model).contains("STORM at 14:08:40") && !text(model).contains("no storm"))
        model = seen(1)
        #expect(!text(model).contains("STORM"))
        _ = press(&model, .char("2"))
        #expect(text(model).contains("no storm is coming"))
    }

    @Test func `that is over is none, and of a lost engine none is foretold`() {
        #expect(seen(900, at: 900).storm == nil)
        var model = seen(900)
        _ = update(&model, .lost("the engine does not answer"))
        #expect(model.storm == nil && !text(model).contains("STORM"))
    }
}

@Suite struct `Dropping all` {
    @Test func `offers to do without a stampede, in four keys`() {
        var model = model(100, 30)
        guard case .planShown(let seen)? = press(&model, .char("D")) else {
            Issue.record("there is no plan")
            return
        }
        func plan(_ change: Change) -> Plan {
            var plan = Plan(
                id: "p", instance: "1f", change: change, at: at(1000), entries: 40, bytes: 99,
                victims: [], skipped: [])
            plan.fetches = 4000
            return plan
        }
        _ = update(&model, .plannedMatching(plan(.invalidate(seen)), left: 0))
        #expect(text(model).contains("s serve them on until refreshed instead: no stampede"))
        #expect(text(model).contains("within the budget: no stampede"))
        #expect(press(&model, .char("s")) == .plan(.soften(seen)))
        _ = update(&model, .planned(plan(.soften(seen))))
        // Nothing is removed.
        #expect(!text(model).contains("to confirm") && text(model).contains("to refresh them"))
        guard case .apply("p", _, _)? = press(&model, .tab, .enter) else {
            Issue.record("it is not applied")
            return
        }
    }
}

@Suite struct `A dialog` {
    private func shown(_ failures: Int, _ entries: Int) -> (text: String, effect: Effect?) {
        var model = model(100, 30)
        let seen =
            (0..<failures).map {
                SeenEntry(id: EntryKey(cache: "accounts", key: "f\($0)"), version: 0)
            }
            + (0..<entries).map {
                SeenEntry(id: EntryKey(cache: "accounts", key: "e\($0)"), version: 3)
            }
        _ = update(&model, look(model, rows, report(held: 64)))
        var plan = Plan(
            id: "p", instance: "1f", change: .invalidate(seen), at: at(1000),
            entries: seen.count, bytes: 9, victims: [], skipped: [])
        plan.failures = failures
        _ = update(&model, .planned(plan))
        return (text(model), press(&model, .char("s")))
    }

    @Test(arguments: [1, 7, 40])
    func `offers for failures what can be done with failures`(count: Int) {
        let (text, effect) = shown(count, 0)
        #expect(text.contains("[ Forget ]") && effect == nil)
        for words in ["% of accounts", "serve them on", "to confirm", "hit in the last minute"] {
            #expect(!text.contains(words), "\(words)")
        }
    }

    @Test func `counts of entries and failures together the entries`() {
        let (text, effect) = shown(7, 16)
        #expect(text.contains(", 25.0% of accounts, go") && text.contains("[ Invalidate ]"))
        #expect(effect != nil)
    }

    @Test func `of what was done softly offers no way back`() {
        var model = model(100, 30)
        model.kinds["soft"] = .nothing
        let record = ChangeRecord(
            at: model.now, plan: "soft", what: .applied, by: Operator("me"), bounds: [],
            entries: [],
            .nothing, failure: nil)
        _ = update(&model, .changed(record))
        _ = press(&model, .char("5"))
        #expect(!text(model).contains("u takes plan") && press(&model, .char("u")) == nil)
    }
}

@Suite struct `Moments of note` {
    private func seen(_ misses: (Int) -> Int, failed: (Int) -> Bool = { _ in false }) -> Model {
        var model = model(100, 30)
        let samples = (0..<900).reduce(into: [CacheSample]()) { samples, second in
            var sample = CacheSample(at: at(100 + Double(second)))
            sample.misses = (samples.last?.misses ?? 0) + UInt64(misses(second))
            sample.failed = (samples.last?.failed ?? 0) + (failed(second) ? 1 : 0)
            samples.append(sample)
        }
        var history = History()
        history.fill(samples)
        model.histories = [Verbatim("accounts"): history]
        return model
    }

    @Test func `are none where all is as usual`() {
        var random = Seeded(2)
        for usual in [0.02, 0.5, 5, 50] {
            // So many of a hundred come by chance each second.
            let model = seen { _ in
                (0..<100).count { _ in Double.random(in: 0..<100, using: &random) < usual }
            }
            #expect(model.moments.isEmpty, "\(usual): \(model.moments)")
        }
    }

    @Test func `are where failures begin and end, bursts, changes and losses, and say so`() {
        var model = seen(
            { $0 == 700 ? 90 : 3 }, failed: { (300..<420).contains($0) && $0 % 20 == 0 })
        let record = ChangeRecord(
            at: at(650), plan: "p", what: .applied, by: Operator("ops"), bounds: [], entries: [],
            Outcome(removed: 3, bytes: 1, skipped: []), failure: nil)
        _ = update(&model, .changed(record))
        _ = update(&model, .lost("gone"))
        #expect(
            model.moments.map(\.at) == [at(400), at(500), at(650), at(800), at(1000)])
        _ = update(&model, .froze(EntryPage(at: at(1001), rows: rows, matched: 3, total: 3)))
        for words in [
            "the engine was lost", "a burst of misses in accounts", "ops: 3 removed",
            "failed for the last time", "began to fail",
        ] {
            _ = press(&model, .char("("))
            #expect(
                model.toast?.text.contains(words) == true, "\(words): \(model.toast?.text ?? "")")
        }
        _ = press(&model, .char("("))
        #expect(model.toast?.text == "nothing of note is before this")
    }
}

@Suite struct `Texts` {
    @Test func `of a row are copied as they are shown`() {
        var model = model(120, 40)
        guard case .copy(let row)? = press(&model, .char("Y")) else {
            Issue.record("nothing is copied")
            return
        }
        for part in [
            #""ttl":"5s""#, #""age":"4m55s""#, #""hits":"12,884""#, #""size":"402 B""#,
            #""fetch":"31ms""#, #""state":"expiring""#, #""key":"100000000001""#,
        ] { #expect(row.contains(part), "\(part) in \(row)") }
    }

    @Test func `are wrapped whole, and no word stands alone at their end`() {
        var random = Fuzz.random("texts to wrap")
        for _ in 0..<Fuzz.count / 4 {
            let words = (0..<Int.random(in: 0..<20, using: &random)).map { _ in
                String(repeating: "x", count: .random(in: 1...30, using: &random))
            }
            let width = Int.random(in: 1...40, using: &random)
            let lines = Text.wrap(words.joined(separator: " "), to: width)
            #expect(lines.joined().filter { $0 != " " } == words.joined())
            #expect(lines.allSatisfy { $0.count <= width })
            let flown = Text.flow(
                [("label ", .dim), (words.joined(separator: " "), .plain)], labels: 1, to: width)
            let texts = flown.map { $0.map(\.text).joined() }
            #expect(texts.joined().filter { $0 != " " } == "label" + words.joined())
            if width > 12 { #expect(texts.allSatisfy { $0.count <= width }) }
        }
        // What goes on begins where the first word did, in a narrow pane too.
        let happened: Pieces = [
            ("14:07:00 ", .dim), ("failed      ", .dim), ("there is no such account", .plain),
        ]
        let lines = Text.flow(happened, labels: 2, to: 36).map { $0.map(\.text).joined() }
        #expect(
            lines == [
                "14:07:00 failed      there is no",
                String(repeating: " ", count: 21) + "such account",
            ])
        #expect(Text.wrap("a bc def gh", to: 8) == ["a bc", "def gh"])
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `of an entry are there to the last word, and copied whole`(columns: Int, height: Int) {
        let long = (0..<60).map { "word\($0)" }.joined(separator: " ")
        var model = model(columns, height)
        let value = Shown.fields([.init("note", .text(long)), .init("x", .text("end"))])
        _ = update(&model, .lookedAtEntry(rows[0].id, EntryDetail(row: rows[0], value: value)))
        _ = press(&model, .enter)
        let lines = DetailView.lines(model, DetailView.fullWidth(model))
        let place = lines.firstIndex { $0.first?.text.hasPrefix("note") == true }!
        #expect(lines.map { $0.map(\.text).joined() }.joined(separator: " ").contains("word59"))
        for _ in 0..<place + 1 { _ = press(&model, .down) }
        #expect(press(&model, .char("y")) == .copy(long))
        for _ in 0..<99 { _ = press(&model, .down) }
        #expect(model.detailScroll == lines.count - 1 && text(model).contains("word59"))
    }

    @Test(arguments: [80, 120, 200])
    func `of the help are whole at every width`(columns: Int) {
        var model = model(columns, 24)
        model.size.rows = 300
        _ = press(&model, .char("?"))
        let shown = render(model).text.joined().split { " │".contains($0) }.joined(separator: " ")
        for command in Command.own {
            for word in command.help.split(separator: " ") { #expect(shown.contains(word)) }
        }
    }

    @Test func `of who did something have the room that they take`() {
        var model = model(120, 40)
        let long = "somebody-with-a-long-name"
        for (number, name) in ["ali", long].enumerated() {
            let record = ChangeRecord(
                at: model.now, plan: "p\(number)", what: .applied, by: Operator(name), bounds: [],
                entries: [], Outcome(removed: 2, bytes: 1, skipped: []), failure: nil)
            _ = update(&model, .changed(record))
            _ = press(&model, .char("5"))
            let shown = text(model)
            #expect(shown.contains("\(name)  2 removed"))
            #expect(shown.contains("WHO") && !shown.contains("\(long.prefix(20))…"))
            if number == 0 { #expect(shown.contains("WHO  WHAT")) }
        }
    }
}
