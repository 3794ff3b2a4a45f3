import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

@Suite struct `The cursor` {
    @Test func `stays on its entry when rows come, go and change places`() {
        var model = model(80, 24)
        _ = press(&model, .char("j"))
        #expect(model.cursor == rows[1].id)
        let changed = [account("100000000005", left: 1), rows[2], rows[1]]
        _ = update(&model, look(model, changed, report(seconds: 1)))
        #expect(model.cursor == rows[1].id)
        // The order is held for a while after a move, and says so.
        #expect(model.position == 1)
        #expect(render(model).text.contains { $0.contains("rows held 4s") })
        _ = update(&model, .tick(at(1006)))
        _ = update(&model, look(model, changed, report(seconds: 6)))
        #expect(model.cursor == rows[1].id)
        #expect(model.position == 2)
        #expect(render(model).text[7].hasPrefix(">  100000000002"))
    }

    @Test func `goes to the row that took the place of one that left`() {
        var model = model(80, 24)
        _ = press(&model, .char("j"))
        _ = update(&model, look(model, [rows[0], rows[2]], report(seconds: 1)))
        #expect(model.cursor == rows[2].id)
        _ = update(&model, look(model, [], report(seconds: 2)))
        #expect(model.cursor == nil)
        _ = update(&model, look(model, rows, report(seconds: 3)))
        #expect(model.cursor == rows[0].id)
    }

    @Test func `moves by rows, pages and to the ends, and the screen follows`() {
        let many = (0..<100).map { account("k\($0 + 100)", left: Double($0) + 1) }
        var model = model(80, 24, many)
        let page = model.layout.visibleRows
        _ = press(&model, .pageDown)
        #expect(model.position == page)
        _ = press(&model, .control("d"))
        #expect(model.position == page + page / 2)
        _ = press(&model, .char("G"))
        #expect(model.position == 99 && model.top == 100 - page)
        _ = press(&model, .down)
        #expect(model.position == 99)
        _ = press(&model, .char("k"), .control("b"), .control("u"), .home)
        #expect(model.position == 0 && model.top == 0)
    }

    @Test func `asks for other rows when it leaves those at hand, and waits for none`() {
        let many = (0..<200).map { account("k\($0 + 100)", left: Double($0) + 1) }
        var model = model(80, 24)
        let page = EntryPage(at: at(1000), rows: many, matched: 5000, total: 5000)
        _ = update(
            &model,
            .looked(
                Look(
                    report: report(), page: page, query: model.query, detail: nil, events: [],
                    dropped: 0)))
        #expect(press(&model, .char("G")) == .look)
        #expect(model.query.offset > 4900 && model.position == 4999)
        #expect(model.cursor == nil)
    }
}

@Suite struct `Changing` {
    private func plan(_ change: Change, entries: Int = 1) -> Plan {
        let victims = rows.prefix(entries).map {
            PlannedVictim(id: $0.id, version: $0.version, bytes: $0.bytes, cause: .invalidated)
        }
        return Plan(
            id: "p1", instance: "1f", change: change, at: at(1000), entries: entries, bytes: 402,
            victims: Array(victims), skipped: [], before: nil)
    }

    @Test func `d asks for a plan of the selected entry as it was seen, and the row waits`() {
        var model = model(80, 24)
        let seen = SeenEntry(id: rows[0].id, version: 7)
        #expect(press(&model, .char("d")) == .plan(.invalidate([seen])))
        #expect(model.rows == rows)
    }

    @Test func `d asks for a plan of the marked entries`() {
        var model = model(80, 24)
        let effect = press(&model, .char(" "), .char(" "), .char("G"), .char("d"))
        let seen = rows.prefix(2).map { SeenEntry(id: $0.id, version: $0.version) }
        #expect(effect == .plan(.invalidate(seen)))
        #expect(render(model).text[5].hasPrefix(" * 100000000001"))
        #expect(render(model).text.contains { $0.contains("2 marked") })
        _ = press(&model, .escape, .char("U"))
        #expect(model.marks.isEmpty)
    }

    @Test func `a mark stays on what was seen, and says when something else stands there`() {
        var model = model(80, 24)
        _ = press(&model, .char(" "))
        var fresh = rows
        fresh[0].version = 70
        _ = update(&model, look(model, fresh, report(seconds: 1)))
        #expect(press(&model, .char("d")) == .plan(.invalidate([seen(rows[0])])))
        #expect(render(model).text[5].hasPrefix(" ! 100000000001"))
        #expect(render(model).text.contains { $0.contains("1 marked, 1 changed since (!)") })
        // Marked anew it is what is seen now, and then it is marked no more.
        _ = press(&model, .escape, .char("g"), .char(" "))
        #expect(model.marks == [fresh[0].id: 70])
        _ = press(&model, .char("g"), .char(" "))
        #expect(model.marks.isEmpty)
    }

    @Test func `marks are kept through whatever comes and goes`() {
        var random = Seeded(11)
        var model = model(80, 24)
        var marked: [EntryKey: UInt64] = [:]
        var shown = rows
        for step in 1..<400 {
            for place in shown.indices where Int.random(in: 0..<3, using: &random) == 0 {
                shown[place].version += .random(in: 1...9, using: &random)
            }
            _ = update(&model, look(model, shown.shuffled(using: &random), report(seconds: 1)))
            if Bool.random(using: &random), let row = model.selected {
                marked[row.id] = marked[row.id] == row.version ? nil : row.version
                _ = press(&model, .char(" "))
            }
            _ = press(&model, Bool.random(using: &random) ? .char("g") : .char("j"))
            #expect(model.marks == marked, "step \(step)")
        }
    }

    @Test func `a part of a change that failed can be taken back`() {
        var model = model(80, 24)
        let outcome = Outcome(removed: 3, bytes: 9, skipped: [])
        _ = update(&model, .halfDone("p1", outcome, "the bounds of credentials were changed since"))
        #expect(model.toast?.text.contains("credentials") == true)
        #expect(press(&model, .char("u")) == .planUndo("p1"))
    }

    @Test func `bounds of one's own that do not go back are said, and waited for no more`() {
        var model = model(80, 24)
        model.ownPlans["p1"] = PlanApplication(lasting: .seconds(600))
        model.goesBack = ("p1", model.now + .seconds(600))
        let record = ChangeRecord(
            at: model.now, plan: "p1", what: .failed, by: Operator("ann"), bounds: [], entries: [],
            Outcome(removed: 0, bytes: 0, skipped: []), failure: "bounds did not go back: changed")
        _ = update(&model, .changed(record))
        #expect(model.toast?.text.contains("did not go back") == true)
        #expect(model.goesBack == nil)
    }

    @Test(arguments: [
        "a\r\nb", "a\nb", "\r", "a\u{1b}[2Jb", "a\u{85}b", "a\u{202e}b", "\0", "\u{301}",
        "1\u{fe0f}", "\u{e0041}x", "a\u{200b}\u{2028}",
        "m" + String(repeating: "\u{301}", count: 99),
    ])
    func `whatever a cache is called, the screen and its lines stay whole`(name: String) {
        var odd = report()
        odd.caches[0].name = name
        odd.name = name
        odd.user = name
        odd.origins = [OriginReport(name: name)]
        odd.origins[0].failures = [name: 3]
        odd.origins[0].calls = 9
        var row = rows[0]
        row.id.cache = name
        for (columns, height) in [(80, 24), (160, 50)] {
            var model = model(columns, height)
            _ = update(&model, look(model, [row], odd))
            for view in Model.View.allCases {
                model.view = view
                let text = render(model).text
                #expect(text.count == height)
                for line in text { #expect(Verbatim(PlainText.fit(line)) == Verbatim(line)) }
            }
            let messages: [Message] = [
                .failed(name), .refused(name), .said(name), .wrote(name), .lost(name),
                .applied(name, Outcome(removed: 1, bytes: 1, skipped: [], warning: name)),
                .planned(plan(.invalidate([SeenEntry(id: row.id, version: 7)]))),
                .engines([Console.RunningEngine(name, about: name)]),
            ]
            for message in messages {
                _ = update(&model, message)
                for line in render(model).text {
                    #expect(Verbatim(PlainText.fit(line)) == Verbatim(line), "\(message)")
                }
            }
        }
        let csv = Exports.text(model(80, 24, [row]), "csv")
        #expect(csv?.contains(CSV.field(name)) == true)
    }

    @Test func `two caches may differ in the bytes of their names alone`() {
        var twins = report()
        twins.caches[0].name = "caf\u{e9}"
        twins.caches[1].name = "cafe\u{301}"
        var model = model(80, 24, [])
        _ = update(&model, look(model, [], twins))
        #expect(model.configuration(of: "caf\u{e9}")?.ttl == .seconds(300))
        #expect(model.configuration(of: "cafe\u{301}")?.ttl == nil)
        #expect(model.histories[Verbatim("caf\u{e9}")] != nil)
        #expect(model.histories[Verbatim("cafe\u{301}")] != nil)
    }

    private func seen(_ row: EntryRow) -> SeenEntry { SeenEntry(id: row.id, version: row.version) }

    @Test func `the plan is shown, opens on Cancel, and Enter then changes nothing`() {
        var model = model(80, 24)
        let change = Change.invalidate([SeenEntry(id: rows[0].id, version: 7)])
        _ = update(&model, .planned(plan(change)))
        let text = render(model)
        #expect(text.text.contains { $0.contains("┌─ Invalidate 1 entry of accounts ─") })
        #expect(text.text.contains { $0.contains("100000000001") && $0.contains("version 7") })
        let buttons = text.runs(in: text.text.firstIndex { $0.contains("[ Cancel ]") }!)
        #expect(buttons.contains { $0.text == "[ Cancel ]" && $0.style == .selected })
        #expect(press(&model, .enter) == nil)
        #expect(model.overlay == nil)
    }

    @Test func `only Enter on the other button applies the plan`() {
        var model = model(80, 24)
        let change = Change.invalidate([SeenEntry(id: rows[0].id, version: 7)])
        for key in [Key.escape, .char("q"), .char("y"), .char("d"), .char(" "), .char("r")] {
            _ = update(&model, .planned(plan(change)))
            #expect(press(&model, .right, key) == nil)
        }
        _ = update(&model, .planned(plan(change)))
        #expect(press(&model, .tab, .enter) == .apply("p1", PlanApplication(), reason: nil))
        _ = update(&model, .applied("p1", Outcome(removed: 1, bytes: 402, skipped: [])))
        #expect(render(model).text.contains { $0.contains("done: 1 entry removed, 402 B freed") })
        #expect(model.rows == rows, "the row goes when the engine says so")
    }

    @Test func `what could not be written down of a change is said and stays to be read`() {
        var model = model(160, 24)
        let outcome = Outcome(removed: 1, bytes: 402, skipped: [], warning: "not written: full")
        _ = update(&model, .applied("p1", outcome))
        #expect(
            render(model).text.contains { $0.contains("402 B freed; WARNING: not written: full") })
        _ = update(&model, .undone("p1", Outcome(removed: 0, bytes: 0, skipped: [], warning: "so")))
        #expect(model.toast?.text.hasSuffix("; WARNING: so") == true)
        model.view = .events
        #expect(render(model).text.contains { $0.contains("not written: full") })
    }

    @Test func `m and t ask for the bounds of the selected row's cache and name it`() {
        var model = model(80, 24)
        _ = press(&model, .char("m"))
        #expect(render(model).text.contains { $0.contains("maxsize of accounts, now 64:") })
        type(&model, "20")
        let smaller = CacheConfiguration(maxsize: 20, ttl: .seconds(300))
        #expect(press(&model, .enter) == .plan(.configure(cache: "accounts", to: smaller)))
        _ = press(&model, .escape, .char("G"), .char("t"))
        #expect(render(model).text.contains { $0.contains("ttl of credentials, now none:") })
        type(&model, "5m")
        let shorter = CacheConfiguration(maxsize: 64, ttl: .seconds(300))
        #expect(press(&model, .enter) == .plan(.configure(cache: "credentials", to: shorter)))
    }

    @Test(arguments: ["0", "-1", "", "many", "99999999999999999999", "1e3"])
    func `a maxsize that is none is refused with what would be accepted`(text: String) {
        var model = model(80, 24)
        _ = press(&model, .char("m"))
        type(&model, text)
        #expect(press(&model, .enter) == nil)
        guard case .prompt(let prompt) = model.overlay else {
            Issue.record("the prompt stays")
            return
        }
        #expect(prompt.refusal?.contains("off") == true)
        #expect(prompt.text == text)
    }

    @Test func `another's answer to a plan or a refusal is said and kept in the log`() {
        var model = model(80, 24)
        _ = update(&model, .failed("the bounds of accounts were changed since"))
        #expect(render(model).text.contains { $0.contains("the bounds of accounts were changed") })
        #expect(model.log.lines.last?.isTrouble == true)
        _ = update(&model, .tick(at(1010)))
        #expect(model.toast == nil)
    }
}

@Suite struct `A plan` {
    private func plan(_ change: Change, entries: Int) -> Plan {
        Plan(
            id: "p", instance: "i", change: change, at: at(1000), entries: entries, bytes: 10,
            victims: [], skipped: [])
    }

    @Test func `that comes late does not take the keys of something else`() {
        var model = model(80, 24)
        _ = press(&model, .char("/"))
        _ = update(&model, .planned(plan(.invalidateAll(cache: "accounts"), entries: 3)))
        guard case .prompt = model.overlay else {
            Issue.record("the line is gone")
            return
        }
        #expect(model.toast?.text.contains("ask for it again") == true)
    }

    @Test func `is confirmed by its share of the cache, however large the others are`() {
        var model = model(80, 24)
        var report = report()
        report.caches.append(report.caches[0])
        report.caches[1].name = "credentials"
        report.caches[0].snapshot.count = 100_000
        report.caches[1].snapshot.count = 20
        _ = update(&model, look(model, rows, report))
        let cache = "credentials"
        _ = update(&model, .planned(plan(.invalidateAll(cache: cache), entries: 20)))
        guard case .plan(let dialog) = model.overlay else {
            Issue.record("there is no plan")
            return
        }
        #expect(dialog.confirmation == "20")
        #expect(render(model).text.contains { $0.contains(", 100% of \(cache), go") })
    }

    @Test func `that failed leaves nothing under way, and none goes back`() {
        var model = model(80, 24)
        model.ownPlans["p"] = PlanApplication(spread: .seconds(9), lasting: .seconds(600))
        _ = update(&model, .failed("the bounds were changed since"))
        #expect(model.underWay == nil && model.goesBack == nil)
        _ = update(&model, .applied("p", Outcome(removed: 0, bytes: 0, skipped: [])))
        #expect(model.underWay?.plan == "p" && model.goesBack != nil)
        _ = press(&model, .char("q"))
        #expect(model.toast?.text.contains("q again") == true)
        #expect(press(&model, .char("q")) == .quit)
    }

    @Test func `that is taken back says what did not come back`() {
        var model = model(80, 24)
        _ = update(&model, .applied("p", Outcome(removed: 3, bytes: 9, skipped: [])))
        var outcome = Outcome(removed: 0, bytes: 0, skipped: [])
        outcome.restored = 1
        _ = update(&model, .undone("p", outcome))
        #expect(model.toast?.text.hasPrefix("taken back: 1 entry is there again, 2 not") == true)
        _ = update(&model, .applied("p", Outcome(removed: 1, bytes: 9, skipped: [])))
        outcome.restored = 0
        _ = update(&model, .undone("p", outcome))
        #expect(model.toast?.text.hasPrefix("no entry came back") == true)
    }
}

@Suite struct `Looking` {
    @Test func `a filter is live; Esc first ends the typing, then clears it`() {
        var model = model(80, 24)
        _ = press(&model, .char("/"))
        #expect(press(&model, .char("x")) == .look)
        #expect(model.query.filter == "x")
        _ = press(&model, .char("q"))
        #expect(model.query.filter == "xq", "q is a letter here")
        _ = press(&model, .backspace, .escape)
        #expect(model.query.filter == "x" && model.overlay == nil)
        #expect(press(&model, .escape) == .look)
        #expect(model.query.filter.isEmpty)
    }

    @Test func `an answer to a question that has changed since is not shown`() {
        var model = model(80, 24)
        let old = look(model, [rows[2]], report(seconds: 1))
        _ = press(&model, .char("/"), .char("1"))
        _ = update(&model, old)
        #expect(model.rows == rows)
    }

    @Test func `the sort menu, its neighbours and turning it round`() {
        var model = model(80, 24)
        _ = press(&model, .char("s"), .down, .down, .down, .down)
        #expect(render(model).text.contains { $0.contains("┌─ Sort by ─") })
        #expect(press(&model, .enter) == .look)
        #expect(model.query.sort == .hits && model.query.descending)
        _ = press(&model, .char("<"))
        #expect(model.query.sort == .age && !model.query.descending)
        _ = press(&model, .char("I"))
        #expect(model.query.descending)
        _ = press(&model, .char(">"))
        #expect(model.query.sort == .hits)
        #expect(render(model).text.contains { $0.contains("HITS▼") })
    }

    @Test func `a shows all caches, then each`() {
        var model = model(80, 24)
        #expect(press(&model, .char("a")) == .look)
        #expect(model.query.caches == ["accounts"])
        _ = update(&model, look(model, Array(rows.prefix(2)), report()))
        #expect(!render(model).text.contains { $0.contains("CACHE") })
        _ = press(&model, .char("a"))
        #expect(model.query.caches == ["credentials"])
        _ = press(&model, .char("a"))
        #expect(model.query.caches.isEmpty)
    }

    @Test func `frozen, the table stands still and can be sorted and filtered`() {
        var model = model(80, 24)
        #expect(press(&model, .char("Z")) == .freeze)
        _ = update(&model, .froze(EntryPage(at: at(1000), rows: rows, matched: 3, total: 3)))
        _ = update(&model, look(model, [], report(seconds: 5)))
        _ = update(&model, .tick(at(1012)))
        #expect(model.rows == rows)
        #expect(render(model).text[5].contains(" 5s "))
        #expect(render(model).text[0].contains(" FROZEN 12s "))
        _ = press(&model, .char("/"), .char("r"), .char("e"), .enter)
        #expect(model.rows.map(\.id) == [rows[2].id])
        _ = press(&model, .escape, .char("s"), .end, .up, .up, .enter)
        #expect(model.rows.map(\.version) == [9, 8, 7])
        #expect(press(&model, .char("Z")) == .look)
        _ = update(&model, look(model, [], report(seconds: 6)))
        #expect(model.rows.isEmpty)
    }

    @Test func `Enter shows the entry in full, q and Esc go back, and only then q quits`() {
        var model = model(80, 24)
        model.detail = detail
        _ = press(&model, .enter)
        #expect(render(model).text.contains { $0.contains(" name           Pine Labs") })
        #expect(press(&model, .char("q")) == nil)
        _ = press(&model, .enter)
        #expect(press(&model, .escape) == nil && model.detailScroll == nil)
        #expect(press(&model, .char("q")) == .quit)
    }

    @Test func `Ctrl-C quits from anywhere`() {
        for keys: [Key] in [[], [.char("?")], [.char("/"), .char("x")], [.char("s")], [.enter]] {
            var model = model(80, 24)
            for key in keys { _ = press(&model, key) }
            #expect(press(&model, .control("c")) == .quit)
        }
    }

    @Test func `plus and minus change how often it looks, and say so`() {
        var model = model(80, 24)
        _ = press(&model, .char("+"))
        #expect(model.interval == .seconds(2))
        #expect(render(model).text.contains { $0.contains("refresh every 2s") })
        for _ in 0..<9 { _ = press(&model, .char("-")) }
        #expect(model.interval == .milliseconds(100))
        for _ in 0..<9 { _ = press(&model, .char("+")) }
        #expect(model.interval == .seconds(10))
    }

    @Test func `f asks the selected row's cache for a key`() {
        var model = model(80, 24)
        _ = press(&model, .char("f"))
        type(&model, "55")
        #expect(press(&model, .enter) == .fetch(EntryKey(cache: "accounts", key: "55")))
        let result = FetchResult(
            id: rows[1].id, wasHit: false, value: .null, row: rows[1])
        #expect(update(&model, .fetched(result)) == .look)
        #expect(model.cursor == rows[1].id)
        #expect(model.toast?.text == "100000000002: fetched, version 8")
    }

    @Test func `events of one second, cache and cause are one line, and unseen ones are counted`() {
        var model = model(120, 40)
        let events = (0..<20).map { evicted(UInt64($0), "k\($0)", seconds: $0 < 15 ? 0.5 : 1.5) }
        _ = update(&model, look(model, rows, report(seconds: 2), events: events))
        #expect(model.log.lines.map(\.count) == [15, 5])
        let text = render(model).text
        #expect(text.contains { $0.contains("14:07:00 accounts    evicted      15: k0 k1 ") })
        _ = press(&model, .char("e"))
        #expect(render(model).text[8].hasPrefix(" ┌─ Events "))
    }

    @Test func `rates are of the last five seconds and the ratio of the last minute`() {
        var history = History()
        for second in 0...70 {
            let hits = UInt64(second <= 10 ? 0 : (second - 10) * 9)
            history.add(
                report(seconds: Double(second), hits: hits, misses: UInt64(second)).caches[0]
                    .snapshot)
        }
        #expect(abs(history.rate(\.lookups)! - 10) < 0.001)
        #expect(abs(history.hitRatio()! - 0.9) < 0.001)
        // An engine that started again counts from nothing: no rate below zero.
        history.add(report(seconds: 71, hits: 0, misses: 0).caches[0].snapshot)
        #expect(history.samples.last!.hits == 0)
    }

    @Test func `a word that may become a comparison is no filter yet`() {
        var model = model(80, 24)
        _ = press(&model, .char("/"))
        for key in "0001" { _ = press(&model, .char(key)) }
        #expect(model.query.filter == "0001")
        _ = press(&model, .control("u"))
        for key in "hits" { _ = press(&model, .char(key)) }
        #expect(model.query.filter == "")
        for key in " > 3" { _ = press(&model, .char(key)) }
        #expect(model.query.filter == "hits > 3")
        // Whoever means keys that hold the word says so by Enter.
        _ = press(&model, .control("u"))
        for key in "hits" { _ = press(&model, .char(key)) }
        _ = press(&model, .enter)
        #expect(model.query.filter == "hits")
    }

    @Test func `a filter that the engine refuses is taken off, and the engine is not lost`() {
        var model = model(80, 24)
        model.query.filter = "key~(a+)+$"
        #expect(update(&model, .refused("it takes too long\n  key~")) == .look)
        #expect(model.query.filter.isEmpty && model.problem == nil)
        #expect(model.toast?.text == "it takes too long")
    }

    @Test func `what was pasted goes into a line and is no key`() {
        var model = model(80, 24)
        #expect(press(&model, .pasted("ddq\n:quit\n")) == nil)
        #expect(model.overlay == nil)
        _ = press(&model, .char("/"), .pasted("00\u{1b}01\n"))
        #expect(model.query.filter == "0001")
    }

    @Test func `data that is late says how old it is, and in one line too`() {
        var model = model(80, 24)
        _ = update(&model, .tick(at(1001)))
        #expect(!render(model).text[0].contains("as of"))
        _ = update(&model, .tick(at(1004)))
        #expect(render(model).text[0].contains("as of 4s ago"))
        _ = update(&model, .lost("gone"))
        #expect(render(model).text[0].contains("LOST, as of 4s ago"))
        // What nobody sees does not count down.
        #expect(model.shownNow == model.report?.at)
        _ = update(&model, .resized(Size(columns: 30, rows: 1)))
        #expect(render(model).text[0].hasPrefix("LOST 4s hit"))
    }
}
