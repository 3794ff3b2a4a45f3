import CNcurses
import Foundation
import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

private func plan(_ change: Change, entries: Int = 0, before: CacheConfiguration? = nil) -> Plan {
    Plan(
        id: "p", instance: "1f", change: change, at: at(1000), entries: entries,
        bytes: entries * 402, victims: [], skipped: [], before: before)
}

@Suite struct `A plan of all that is listed` {
    private func seen(_ rows: [EntryRow]) -> [SeenEntry] {
        rows.map { SeenEntry(id: $0.id, version: $0.version) }
    }

    @Test(arguments: ["", "cache=accounts", "0002"], [false, true])
    func `is of the rows as they were drawn, filtered or not, frozen or not`(
        filter: String, isFrozen: Bool
    ) throws {
        var model = model(100, 30)
        if isFrozen {
            _ = press(&model, .char("Z"))
            _ = update(&model, .froze(EntryPage(at: at(1000), rows: rows, matched: 3, total: 3)))
        }
        _ = press(&model, .char("/"))
        type(&model, filter)
        _ = press(&model, .enter)
        let listed = try EntryQuery(filter: filter).page(of: rows, at: at(1000)).rows
        if !isFrozen { _ = update(&model, look(model, listed, report())) }
        guard case .planShown(let asked)? = press(&model, .char("D")) else {
            Issue.record("there is no plan")
            return
        }
        #expect(Set(asked) == Set(seen(listed)))
    }

    @Test func `names no row that a filter of a moment ago let pass`() {
        var model = model(100, 30)
        _ = press(&model, .char("/"), .char("2"), .enter)
        // Nothing was seen yet of what passes now.
        #expect(press(&model, .char("D")) == .planMatching(model.asked, drawn: at(1000)))
    }

    @Test func `is found by the engine where not all is at hand, without what was written since`() {
        var model = model(100, 30)
        let page = EntryPage(at: at(1000), rows: rows, matched: 50, total: 90)
        _ = update(
            &model,
            .looked(
                Look(
                    report: report(), page: page, query: model.query, detail: nil, events: [],
                    dropped: 0)))
        #expect(press(&model, .char("D")) == .planMatching(model.asked, drawn: at(1000)))
    }

    @Test func `counts what was written since and is left alone`() {
        var model = model(100, 30)
        let all = plan(.invalidate(seen(rows)), entries: 3)
        _ = update(&model, .plannedMatching(all, left: 3))
        #expect(text(model).contains("3 more pass by now, written since the"))
        _ = update(&model, .plannedMatching(all, left: 1))
        #expect(text(model).contains("1 more passes by now, written since the"))
        var rewritten = all
        rewritten.skipped = rows.map { Skipped(id: $0.id, why: "now version 99") }
        rewritten.unnamed = 4
        _ = update(&model, .plannedMatching(rewritten, left: 0))
        #expect(text(model).contains("Left alone: 3, written anew since."))
        #expect(text(model).contains("Left alone: 4 more."))
        _ = update(&model, .plannedMatching(all, left: 0))
        #expect(!text(model).contains("since") && !text(model).contains("hidden"))
    }

    @Test func `of marks says how many of them the filter hides, and only of those`() {
        var model = model(100, 30)
        _ = press(&model, .char(" "), .char(" "))
        model.query.filter = "0002"
        _ = update(&model, look(model, [rows[1]], report()))
        model.marks = [rows[0].id: 7, rows[1].id: 8]
        _ = update(&model, .planned(plan(.invalidate(seen(Array(rows.prefix(2)))), entries: 2)))
        #expect(text(model).contains("1 of these is marked and not in the table"))
    }
}

@Suite struct `How things look` {
    @Test func `is kept as it was chosen inside, not as a terminal or a flag had it`() throws {
        var model = model(80, 24, glyphs: .ascii)
        model.isPlainOnly = true
        let before = ViewState(model)
        // What flags and the terminal say.
        model.theme = .mono
        model.usesMouse = true
        model.query.sort = .hits
        model.use(.ascii)
        let begun = ViewState(model)
        #expect(ViewState(model).kept(over: before, asBegun: begun).same(as: before))
        _ = press(&model, .char(":"))
        type(&model, "theme light")
        _ = press(&model, .enter, .char("w"))
        let kept = ViewState(model).kept(over: before, asBegun: begun)
        #expect(kept.theme == .light && kept.isWide && kept.usesMouse == false && kept.sort == .ttl)
        #expect(kept.chosenGlyphs == nil)
    }

    @Test func `of signs outlives a terminal that cannot show them`() throws {
        var state = ViewState(model(80, 24))
        state.chosenGlyphs = .braille
        var plain = Model(size: Size(columns: 80, rows: 24), glyphs: .ascii)
        plain.isPlainOnly = true
        state.apply(to: &plain)
        #expect(plain.glyphs.ascii && ViewState(plain).chosenGlyphs == .braille)
        var able = Model(size: Size(columns: 80, rows: 24), glyphs: .unicode)
        _ = press(&able, .char(":"))
        type(&able, "glyphs ascii")
        _ = press(&able, .enter)
        #expect(ViewState(able).chosenGlyphs == .ascii)
    }

    @Test func `is read from a file that an earlier console wrote its own signs to`() throws {
        let file = try TemporaryFolder().path + "/console.json"
        let old = """
            {"budget":50,"commands":[],"descending":false,"glyphs":"ascii","hiddenColumns":[],
            "isWide":true,"showsTimes":false,"sort":"hits","theme":"auto"}
            """
        let state = try JSONDecoder().decode(ViewState.self, from: Data(old.utf8))
        #expect(state.chosenGlyphs == nil && state.isWide && state.sort == .hits)
        state.save(to: file)
        #expect(ViewState(file)?.isWide == true)
    }
}

extension ViewState {
    fileprivate func same(as other: ViewState) -> Bool {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(self)) == (try? encoder.encode(other))
    }
}

@Suite struct `Taking back` {
    private func applied(_ change: Change, _ model: inout Model) {
        _ = update(
            &model,
            .planned(plan(change, entries: 1, before: CacheConfiguration(maxsize: 64, ttl: nil)))
        )
        _ = press(&model, .tab, .enter)
        _ = update(&model, .applied("p", Outcome(removed: 1, bytes: 402, skipped: [])))
    }

    private let bounds = Change.configure(
        cache: "accounts", to: CacheConfiguration(maxsize: 20, ttl: .seconds(300)))

    @Test
    func `bounds is offered as long as it can be done, entries for as long as they are there`() {
        var model = model(80, 24)
        applied(bounds, &model)
        _ = update(&model, .tick(at(1600)))
        #expect(press(&model, .char("u")) == .planUndo("p"))
        #expect(text(model).contains("u undoes"))
        var other = LarderConsoleTests.model(80, 24)
        applied(.invalidateAll(cache: "accounts"), &other)
        #expect(press(&other, .char("u")) == .planUndo("p"))
        _ = update(&other, .tick(at(1031)))
        #expect(press(&other, .char("u")) == nil && !text(other).contains("u undoes"))
    }

    @Test func `an invalidation does not bury the bounds changed before it`() {
        var model = model(80, 24)
        applied(bounds, &model)
        model.kinds["q"] = .entries
        _ = update(&model, .applied("q", Outcome(removed: 2, bytes: 9, skipped: [])))
        #expect(press(&model, .char("u")) == .planUndo("q"))
        _ = press(&model, .escape)
        _ = update(&model, .tick(at(1040)))
        #expect(press(&model, .char("u")) == .planUndo("p"))
    }

    @Test func `what was only marked as stale is not offered`() {
        var model = model(80, 24)
        applied(.soften([SeenEntry(id: rows[0].id, version: 7)]), &model)
        #expect(press(&model, .char("u")) == nil)
    }

    @Test func `what was done says the bounds that changed, and why how many were left`() {
        var outcome = Outcome(removed: 0, bytes: 0, skipped: [])
        #expect(
            summary(outcome, bounds: "accounts maxsize 64 → 128 entries")
                == "done: accounts maxsize 64 → 128 entries")
        outcome.removed = 3
        outcome.skipped = (1...20).map {
            Skipped(
                id: EntryKey(cache: "accounts", key: "\($0)"),
                why: $0 < 16 ? "now version \($0), written 1s ago" : "not there any more")
        }
        #expect(
            summary(outcome)
                == "done: 3 entries removed, 0 B freed; left alone: 15, written anew since; 5, not "
                + "there any more")
    }

    @Test func `opens no question where nothing can come back any more`() {
        var model = model(100, 30)
        var back = plan(.invalidate([]), entries: 0)
        back.takesBack = TakingBack(entries: 0, problems: [])
        _ = update(&model, .planned(back))
        #expect(model.overlay == nil)
        #expect(model.toast?.text.hasPrefix("nothing of it can be taken back any more") == true)
    }

    @Test func `that brings many back at one time says what that brings`() {
        var model = model(100, 30)
        _ = update(&model, look(model, rows, report(held: 100)))
        var soft = plan(.soften([SeenEntry(id: rows[0].id, version: 7)]), entries: 60)
        soft.fetches = 40
        _ = update(&model, .planned(soft))
        #expect(text(model).contains("ends at one time, 5m"))
        soft.fetches = 3
        model.overlay = nil
        _ = update(&model, .planned(soft))
        #expect(!text(model).contains("ends at one time"))
    }

    @Test func `is a plan with what goes for it, and says afterwards what it did`() {
        var model = model(100, 30)
        var back = plan(
            .configure(cache: "accounts", to: CacheConfiguration(maxsize: 64, ttl: .seconds(300))),
            entries: 21, before: CacheConfiguration(maxsize: 128, ttl: .seconds(300)))
        back.takesBack = TakingBack(entries: 3, problems: ["the bounds of orders were changed"])
        _ = update(&model, look(model, rows, report(held: 100)))
        _ = update(&model, .planned(back))
        let shown = text(model)
        for words in [
            "Take back plan p", "maxsize 128 → 64", "3 entries come back, unless fetched again",
            "21 entries (8.2 KiB, 21.0% of accounts) have to go for it.",
            "This stays: the bounds of orders",
            "[ Cancel ]   [ Take back ]", "type 21 to confirm",
        ] { #expect(shown.contains(words), "\(words)") }
        #expect(!shown.contains("goes back by itself") && !shown.contains("all at once"))
        #expect(press(&model, .enter) == nil, "it opens on Cancel")
        _ = update(&model, .planned(back))
        _ = press(&model, .char("r"), .char("x"), .enter)
        type(&model, "21")
        #expect(press(&model, .right, .enter) == .undo("p", reason: "x"))
        var outcome = Outcome(removed: 21, bytes: 9, skipped: [])
        outcome.restored = 3
        _ = update(&model, .undone("p", outcome))
        let toast = model.toast?.text ?? ""
        #expect(toast.contains("taken back: accounts maxsize 128 → 64 entries; 3 entries are"))
        #expect(toast.contains("; 21 entries had to go for it"))
    }

    @Test func `what fails beside leaves alone what is being taken back`() {
        var model = model(100, 30)
        for name in ["p", "q"] {
            model.takingBack[name] = "accounts maxsize 128 → 64 entries"
        }
        _ = update(&model, .failed("the fetch of 1 failed"))
        #expect(model.takingBack.count == 2)
        #expect(model.toast?.text == "the fetch of 1 failed")
        // The engine tells of it to all, and here the answer does.
        model.toast = nil
        _ = update(
            &model,
            .changed(
                ChangeRecord(
                    at: at(1000), plan: "p", what: .undone, by: Operator("ann"), bounds: [],
                    entries: [], .nothing, failure: nil)))
        #expect(model.toast == nil)
        _ = update(&model, .notUndone("q", "not all was taken back"))
        #expect(model.takingBack.keys.sorted() == ["p"])
        #expect(model.toast?.text == "not all was taken back")
        #expect(model.log.lines.last?.isTrouble == true)
        _ = update(&model, .undone("p", .nothing))
        #expect(model.takingBack.isEmpty)
        #expect(model.toast?.text.contains("accounts maxsize 128 → 64") == true)
    }

    @Test func `any change of the list can be asked for, whoever made it`() {
        var model = model(100, 30)
        for name in ["p1", "p2", "p3"] {
            let record = ChangeRecord(
                at: model.now, plan: name, what: .applied, by: Operator("bob"), bounds: [],
                entries: [], Outcome(removed: 1, bytes: 9, skipped: []), failure: nil)
            _ = update(&model, .changed(record))
        }
        _ = press(&model, .char("5"), .down)
        #expect(press(&model, .char("u")) == .planUndo("p2"))
        #expect(text(model).contains("u takes plan p2 back"))
    }

    @Test func `what is marked as stale is not offered to be taken back`() {
        var model = model(100, 30)
        var outcome = Outcome(removed: 3, bytes: 9, skipped: [])
        outcome.softened = 3
        let record = ChangeRecord(
            at: model.now, plan: "p1", what: .applied, by: Operator("bob"), bounds: [], entries: [],
            outcome, isSoft: true, failure: nil)
        _ = update(&model, .changed(record))
        _ = press(&model, .char("5"))
        #expect(text(model).contains("3 marked stale") && !text(model).contains("removed"))
        #expect(!text(model).contains("u takes plan"))
        #expect(press(&model, .char("u")) == nil)
    }
}

@Suite struct `The footer` {
    private static let offers: [(view: Character, has: String, not: [String])] = [
        ("1", "Enter Detail", ["Back"]),
        ("2", "Enter Entries", ["Mark", "Invalidate", "Sort", "Freeze"]),
        ("3", "Enter Entry", ["Mark", "Invalidate", "Sort", "Freeze"]),
        ("4", "Enter Entry", ["Mark", "Invalidate", "Sort", "Freeze"]),
        ("5", "q Back", ["Enter", "Mark", "Invalidate", "Sort", "Filter"]),
        ("6", "Enter Entry", ["Mark", "Freeze"]),
        ("7", "Enter Open", ["Mark", "Invalidate", "Sort", "Filter"]),
        ("8", "q Back", ["Enter", "Mark", "Invalidate", "Sort", "Filter"]),
        ("9", "Enter Entries", ["Mark", "Invalidate", "Sort", "Filter"]),
    ]

    @Test(arguments: offers.indices)
    func `offers what the view can do, and nothing else`(place: Int) {
        let offer = Self.offers[place]
        var model = model(160, 40)
        _ = press(&model, .char(offer.view))
        let footer = render(model).text.last!
        #expect(footer.contains(offer.has), "\(footer)")
        for word in offer.not { #expect(!footer.contains(word), "\(word): \(footer)") }
    }

    @Test func `of a key that it names does something in every view`() {
        for view in Model.View.allCases {
            var model = model(160, 40)
            _ = update(
                &model, look(model, rows, report(seconds: 1), events: [evicted(1, "100000000009")]))
            model.largest = rows
            model.forecast = Forecast(at: at(1000), width: .seconds(5), count: 180)
            model.view = view
            for binding in model.keys.all where binding.word(model) != nil {
                var pressed = model
                let effect = press(&pressed, binding.keys[0])
                let says = pressed.toast?.text ?? ""
                let isDone = effect != nil || text(pressed) != text(model)
                #expect(
                    isDone && !says.contains("that is for"), "\(view) \(binding.names): \(says)")
            }
        }
    }
}

@Suite struct `Events and evictions` {
    private func seen(_ seconds: Int = 3) -> Model {
        var model = model(100, 30)
        for second in 1...seconds {
            _ = update(
                &model,
                look(
                    model, rows, report(seconds: Double(second)),
                    events: [evicted(UInt64(second), "k\(second)", seconds: Double(second))]))
        }
        return model
    }

    /// Where keys stand on the screen, from the top.
    private func order(_ model: Model) -> [String] {
        render(model).text.compactMap { $0.firstMatch(of: /\bk[0-9]+\b/).map { String($0.0) } }
    }

    @Test func `run the same way, the newest first`() {
        var model = seen()
        _ = press(&model, .char("3"))
        #expect(order(model) == ["k3", "k2", "k1"])
        _ = press(&model, .char("4"))
        #expect(order(model) == ["k3", "k2", "k1"])
        #expect(order(seen().with { _ = press(&$0, .char("1")) }).filter { $0 != "" }.first == "k3")
    }

    @Test(arguments: ["3", "4"])
    func `have a cursor that stays on its line, and on the newest stays on that`(view: Character) {
        var model = seen()
        _ = press(&model, .char(view))
        #expect(press(&model, .enter) == .seek(EntryKey(cache: "accounts", key: "k3")))
        let more = look(
            model, rows, report(seconds: 4), events: [evicted(4, "k4", seconds: 4)])
        _ = update(&model, more)
        #expect(press(&model, .enter) == .seek(EntryKey(cache: "accounts", key: "k4")))
        _ = press(&model, .down)
        _ = update(
            &model, look(model, rows, report(seconds: 5), events: [evicted(5, "k5", seconds: 5)]))
        #expect(press(&model, .enter) == .seek(EntryKey(cache: "accounts", key: "k3")))
    }

    @Test func `go to the entry where one is held, and else to what happened to its key`() throws {
        var model = seen()
        _ = press(&model, .char("4"))
        let id = rows[1].id
        _ = update(&model, .sought(id, EntryDetail(row: rows[1], value: .null)))
        #expect(model.view == .entries && model.cursor == id)
        let gone = EntryKey(cache: "accounts", key: "k2")
        _ = update(&model, .sought(gone, nil))
        #expect(model.view == .events && order(model).filter { $0 == "k2" }.count >= 1)
        #expect(model.found?.lines.map(\.keys) == [["k2"]])
        _ = update(
            &model,
            look(
                model, rows, report(seconds: 4),
                events: [
                    LoggedEvent(
                        cache: "accounts", number: 9, at: at(1004), key: "k2",
                        kind: .written(version: 9, took: .milliseconds(3), bytes: 9), by: nil)
                ]))
        #expect(model.found?.lines.map(\.word) == ["evicted", "written"])
    }

    @Test func `of a second with several keys ask which`() {
        var model = model(100, 30)
        let events = (0..<3).map { evicted(UInt64($0), "k\($0)", seconds: 0.5) }
        _ = update(&model, look(model, rows, report(seconds: 2), events: events))
        _ = press(&model, .char("4"))
        #expect(press(&model, .enter) == nil)
        #expect(text(model).contains("Go to"))
        #expect(press(&model, .down, .enter) == .seek(EntryKey(cache: "accounts", key: "k1")))
    }

    @Test func `find a key of any letters by a filter that says it`() throws {
        for key in ["a\"b", "it's \"both\"", "a b", "key=\"x\"", "\"", "帳"] {
            var model = model(100, 30)
            _ = update(&model, .sought(EntryKey(cache: "accounts", key: key), nil))
            let filter = try EntryFilter(model.filter)
            #expect(filter.passes(evicted(1, key), at: at(1000)))
            #expect(!filter.passes(evicted(1, key + "x"), at: at(1000)))
        }
    }
}

extension Model {
    fileprivate func with(_ change: (inout Model) -> Void) -> Model {
        var model = self
        change(&model)
        return model
    }
}

@Suite struct `A palette` {
    @Test func `lists its names by Tab, all of them or those that begin so`() {
        var model = model(120, 40)
        _ = press(&model, .char(":"), .tab)
        let shown = text(model)
        for name in ["stale", "negative", "maxsize", "search", "export", "caches", "step-back"] {
            #expect(shown.contains(name), "\(name)")
        }
        type(&model, "s")
        _ = press(&model, .tab)
        #expect(text(model).contains("stale") && !text(model).contains("negative"))
    }

    @Test func `of a name that is none says where they are`() {
        var model = model(120, 40)
        _ = press(&model, .char(":"))
        type(&model, "foo")
        _ = press(&model, .enter)
        #expect(text(model).contains("there is no command \"foo\"; Tab lists them"))
    }

    @Test(arguments: [("stale 60s", 60, 0), ("negative 10", 0, 10)])
    func `sets what the command line sets`(line: String, stale: Int, negative: Int) {
        var model = model(120, 40)
        _ = press(&model, .char(":"))
        type(&model, line)
        guard case .plan(.configure(cache: "accounts", to: let new))? = press(&model, .enter) else {
            Issue.record("there is no plan")
            return
        }
        #expect(new.staleIfError == .seconds(stale) && new.negativeTTL == .seconds(negative))
    }
}

@Suite struct `A confirmation` {
    @Test(arguments: [
        (8, 64, false), (10, 64, false), (11, 64, true), (11, 1000, false), (51, 1000, true),
    ])
    func `is asked for above its floor and its part, and says both`(
        entries: Int, held: Int, asks: Bool
    ) {
        var model = model(100, 30)
        _ = update(&model, look(model, rows, report(held: held)))
        _ = update(&model, .planned(plan(.invalidateAll(cache: "accounts"), entries: entries)))
        let shown = text(model)
        #expect(shown.contains("type \(entries) to confirm") == asks)
        #expect(shown.contains("more than 10 and more than a twentieth") == asks)
    }
}

@Suite struct `Until a row is chosen` {
    private let many = (0..<50).map { account("k\($0 + 100)", left: Double($0) + 1) }

    @Test func `the table stays on its first rows`() {
        var model = model(80, 24, many)
        // The first is written anew, and is the last now.
        let next = Array(many.dropFirst()) + [account("k100", left: 300, version: 9)]
        _ = update(&model, look(model, next, report(seconds: 1)))
        #expect(model.top == 0 && model.position == 0 && model.cursor == next[0].id)
        for key in [Key.char("?"), .escape, .char("2"), .char("1"), .char("+")] {
            _ = press(&model, key)
        }
        _ = update(&model, look(model, many, report(seconds: 2)))
        #expect(model.top == 0 && model.cursor == many[0].id)
    }

    @Test(arguments: [Key.down, .char("F"), .char(" "), .enter, .char("d"), .char("y"), .home])
    func `and then the cursor stays on its entry`(key: Key) {
        var model = model(80, 24, many)
        _ = press(&model, key)
        let chosen = model.cursor
        model.detailScroll = nil
        model.heldUntil = nil
        let next = Array(many.reversed())
        _ = update(&model, look(model, next, report(seconds: 1)))
        #expect(model.cursor == chosen)
    }
}

@Suite struct `A number that is typed` {
    @Test(arguments: [
        ("t", "300", "300 seconds, 5m"), ("t", "45", "45 seconds"), ("m", "300", "300 entries"),
    ])
    func `is said as it is understood`(key: Character, number: String, words: String) {
        var model = model(100, 30)
        _ = press(&model, .char(key))
        type(&model, number)
        #expect(text(model).contains(words))
    }

    @Test func `of a ttl is in seconds`() {
        var model = model(100, 30)
        _ = press(&model, .char("t"))
        type(&model, "120")
        let new = CacheConfiguration(maxsize: 64, ttl: .seconds(120))
        #expect(press(&model, .enter) == .plan(.configure(cache: "accounts", to: new)))
        var shown = plan(
            .configure(cache: "accounts", to: new),
            before: CacheConfiguration(maxsize: 64, ttl: .seconds(300)))
        shown.at = model.now
        _ = update(&model, .planned(shown))
        #expect(
            text(model).contains("ttl 5m → 2m")
                && text(model).contains("2 held now end up to 3m earlier."))
    }
}

@Suite struct `Going to an entry` {
    private func far() -> Model {
        var model = model(80, 24)
        let page = EntryPage(
            at: at(1000), rows: (0..<60).map { account("k\($0 + 100)", left: Double($0) + 1) },
            matched: 900, total: 900)
        _ = update(
            &model,
            .looked(
                Look(
                    report: report(), page: page, query: model.query, detail: nil, events: [],
                    dropped: 0)))
        return model
    }

    private let id = EntryKey(cache: "accounts", key: "far away")

    private func fetched(_ model: inout Model) -> Effect? {
        var row = rows[0]
        row.id = id
        return update(
            &model, .fetched(FetchResult(id: id, wasHit: false, value: .null, row: row)))
    }

    @Test func `that was fetched finds it wherever it stands`() {
        var model = far()
        guard case .find(id, let query)? = fetched(&model) else {
            Issue.record("it is not looked for")
            return
        }
        #expect(query.offset == 0 && query.limit >= 900)
        #expect(update(&model, .found(id, 700)) == .look)
        #expect(model.position == 700 && model.cursor == id && model.query.offset > 600)
        #expect((model.top..<model.top + model.layout.visibleRows).contains(700))
    }

    @Test func `that the filter hides shows it alone, and Esc goes back to what passed`() {
        var model = far()
        model.query.filter = "hits>9"
        _ = fetched(&model)
        #expect(update(&model, .found(id, nil)) == .look)
        #expect(model.query.filter == "key=\"far away\" and cache=\"accounts\"")
        _ = press(&model, .escape)
        #expect(model.query.filter == "hits>9")
    }

    @Test func `by its name takes the same way`() {
        var model = far()
        _ = press(&model, .char(":"))
        type(&model, "go far away")
        guard case .find(id, _)? = press(&model, .enter) else {
            Issue.record("it is not looked for")
            return
        }
    }
}

@Suite struct `A search` {
    @Test func `goes to the next key as it is typed, n and N go on, Esc goes back`() {
        let many = (0..<30).map { account("k\($0 + 100)", left: Double($0) + 1) }
        var model = model(80, 24, many)
        _ = press(&model, .function(3))
        type(&model, "11")
        #expect(model.cursor?.key == "k110" && model.query.filter.isEmpty)
        type(&model, "5")
        #expect(model.cursor?.key == "k115")
        _ = press(&model, .escape)
        #expect(model.position == 0 && model.overlay == nil)
        _ = press(&model, .function(3))
        type(&model, "K11")
        _ = press(&model, .enter, .char("n"))
        #expect(model.cursor?.key == "k111")
        _ = press(&model, .char("N"), .char("N"))
        #expect(model.cursor?.key == "k119", "from the first on to the last")
        _ = press(&model, .function(3))
        type(&model, "zz")
        #expect(model.toast?.text == "no key holds \"zz\"")
    }

    @Test func `asks for the rest where not all is at hand, and an old answer moves nothing`() {
        var model = model(80, 24)
        let page = EntryPage(at: at(1000), rows: rows, matched: 900, total: 900)
        _ = update(
            &model,
            .looked(
                Look(
                    report: report(), page: page, query: model.query, detail: nil, events: [],
                    dropped: 0)))
        _ = press(&model, .function(3))
        guard case .search("x", from: 0, backwards: false, _)? = press(&model, .char("x")) else {
            Issue.record("it is not asked for")
            return
        }
        let id = EntryKey(cache: "accounts", key: "xy")
        _ = press(&model, .char("y"))
        #expect(update(&model, .searched("x", id, 500)) == nil && model.position == 0)
        #expect(update(&model, .searched("xy", id, 500)) == .look && model.position == 500)
    }

    @Test func `finds what a naive search finds, from anywhere and both ways`() {
        var random = Seeded(3)
        for _ in 0..<2000 {
            let rows = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                account(["ab", "B", "cab", "", "é"].randomElement(using: &random)!, left: 1)
            }
            let (from, back) = (
                Int.random(in: -3...12, using: &random), Bool.random(using: &random)
            )
            let text = ["a", "b", "AB", "x", ""].randomElement(using: &random)!
            var expected: Int?
            for step in 0..<rows.count where !text.isEmpty && expected == nil {
                let place =
                    ((from + (back ? -step : step)) % rows.count + 2 * rows.count) % rows.count
                if rows[place].id.key.lowercased().contains(text.lowercased()) { expected = place }
            }
            #expect(Search.place(of: text, in: rows, from: from, backwards: back) == expected)
        }
    }
}

@Suite struct `A fact of an entry` {
    @Test func `is chosen by the cursor and copied alone`() {
        var model = model(80, 24)
        model.detail = detail
        _ = press(&model, .enter)
        #expect(press(&model, .char("y")) == .copy("100000000001"))
        let lines = DetailView.lines(model, model.size.columns).map { $0.map(\.text).joined() }
        let place = lines.firstIndex { $0.hasPrefix("name") }!
        for _ in 0..<place { _ = press(&model, .down) }
        #expect(press(&model, .char("y")) == .copy("Pine Labs"))
        let frame = render(model)
        let row = frame.text.firstIndex { $0.contains("Pine Labs") }!
        #expect(
            frame.runs(in: row).contains { $0.style == .selected && $0.text.contains("Pine Labs") })
        for _ in 0..<99 { _ = press(&model, .down) }
        #expect(model.detailScroll == lines.count - 1)
    }
}

@Suite struct `An export` {
    @Test func `asks before it writes over a file`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/rows.json"
        var model = model(80, 24)
        _ = press(&model, .char(":"))
        type(&model, "export json \(file)")
        guard case .export(file, let text, overwrites: false)? = press(&model, .enter) else {
            Issue.record("there is no export")
            return
        }
        #expect(Exports.write("mine", to: file, overwrites: false) == 0)
        #expect(Exports.write(text, to: file, overwrites: false) == EEXIST)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
        _ = update(&model, .fileExists(path: file, text: text))
        #expect(render(model).text.joined().contains("exists; write over it?"))
        #expect(press(&model, .enter) == nil && model.overlay == nil)
        _ = update(&model, .fileExists(path: file, text: text))
        #expect(
            press(&model, .char("y"), .enter) == .export(path: file, text: text, overwrites: true))
        #expect(Exports.write(text, to: file, overwrites: true) == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        #expect(Exports.write(text, to: folder.path, overwrites: true) == EISDIR)
        // Shorter than what was there.
        #expect(Exports.write("x", to: file, overwrites: true) == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "x")
    }

    @Test func `goes to files alone, and waits for nobody`() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(Exports.write("x", to: pipe, overwrites: false) == EEXIST)
        #expect(Exports.write("x", to: pipe, overwrites: true) == Exports.noFile)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        #expect(Exports.write("x", to: pipe, overwrites: true) == Exports.noFile)
        #expect(Exports.write("x", to: "/dev/null", overwrites: true) == Exports.noFile)
        try "mine".write(toFile: folder.path + "/file", atomically: false, encoding: .utf8)
        #expect(symlink(folder.path + "/file", folder.path + "/link") == 0)
        #expect(Exports.write("x", to: folder.path + "/link", overwrites: true) == 0)
    }
}

@Suite struct `The caches` {
    private func caches(_ count: Int) -> Model {
        var model = model(100, 30)
        var many = report()
        many.caches = (0..<count).map { number in
            var cache = many.caches[0]
            cache.name = "cache\(number)"
            return cache
        }
        _ = update(&model, look(model, [], many))
        _ = press(&model, .char("9"))
        return model
    }

    @Test(arguments: [1, 2, 200])
    func `are rows, however many: Enter shows one's entries, m and t change its bounds`(count: Int)
    {
        var model = caches(count)
        _ = press(&model, .char("G"))
        let name = "cache\(count - 1)"
        let frame = render(model)
        #expect(
            frame.text.contains { $0.contains(name) && $0.contains("64") })
        _ = press(&model, .char("m"))
        #expect(text(model).contains("maxsize of \(name), now 64:"))
        _ = press(&model, .escape, .char("t"))
        #expect(text(model).contains("ttl of \(name), now 5m:"))
        _ = press(&model, .escape, .char("f"))
        type(&model, "55")
        #expect(press(&model, .enter) == .fetch(EntryKey(cache: name, key: "55")))
        #expect(press(&model, .enter) == .look)
        #expect(model.view == .entries && model.query.caches == [name])
    }
}

@Suite struct `A plan that removes nothing` {
    private static let usual = CacheConfiguration(maxsize: 64, ttl: .seconds(300))

    private static func changed(_ change: (inout CacheConfiguration) -> Void) -> CacheConfiguration
    {
        var new = usual
        change(&new)
        return new
    }

    private static let cases: [(CacheConfiguration, String)] = [
        (changed { $0.ttl = .seconds(45) }, "64 held now end up to 4m15s earlier."),
        (changed { $0.ttl = .seconds(600) }, "64 held now end up to 5m later."),
        (changed { $0.ttl = nil }, "64 held now have no end any more"),
        (changed { $0.maxsize = 128 }, "There is room for 64 more entries from now on."),
        (changed { $0.maxsize = nil }, "No number of entries is too many from now on."),
        (changed { $0.maxbytes = 1 << 20 }, "At most 1.0 MiB is held from now on."),
        (changed { $0.policy = .sieve }, "sieve names what is evicted from now on."),
        (changed { $0.jitter = 0.1 }, "Lives differ: each is up to 10.0% of the ttl shorter."),
        (changed { $0.staleIfError = .seconds(60) }, "What has ended is served for 1m more if"),
        (
            changed { $0.negativeTTL = .seconds(9) },
            "That something is missing is remembered for 9s."
        ),
    ]

    @Test(arguments: cases.indices)
    func `says what it does`(place: Int) {
        let (new, words) = Self.cases[place]
        var model = model(120, 40)
        _ = update(&model, look(model, rows, report(held: 64)))
        let plan = plan(.configure(cache: "accounts", to: new), before: Self.usual)
        _ = update(&model, .planned(plan))
        #expect(
            text(model).contains("No entry goes.") && text(model).contains(words), "\(text(model))")
    }

    @Test func `and one that removes gives its bytes a unit`() {
        var model = model(120, 40)
        let seen = SeenEntry(id: rows[0].id, version: 7)
        var one = plan(.invalidate([seen]), entries: 1)
        one.bytes = 276
        _ = update(&model, .planned(one))
        #expect(text(model).contains("1 entry, 276 B, 50.0% of accounts, goes;"))
        #expect(
            [0, 999, 1000, 1 << 20, 5 << 30].map { Format.bytes($0) } == [
                "0 B", "999 B", "1.0 KiB", "1.0 MiB", "5.0 GiB",
            ])
    }

    @Test func `counts one of a thing as one`() {
        let event = LoggedEvent(
            cache: "accounts", number: 1, at: at(1), key: "k",
            kind: .removed(.evicted, version: 1, age: .seconds(3), hits: 1), by: nil)
        #expect(
            EventLines.words(event).note.contains("1 hit")
                && !EventLines.words(event).note.contains("1 hits"))
    }
}

@Suite struct `A bell` {
    private func seen(_ model: inout Model, _ second: Int, hits: UInt64, misses: UInt64) {
        _ = update(
            &model, look(model, rows, report(seconds: Double(second), hits: hits, misses: misses)))
    }

    @Test func `rings once when a cache comes beyond it, and again after it was within`() {
        var model = model(100, 30)
        _ = press(&model, .char(":"))
        type(&model, "bell hit<80%")
        _ = press(&model, .enter)
        var (hits, misses): (UInt64, UInt64) = (900, 100)
        var rang: [Int] = []
        for second in 1...60 {
            let isPoor = (20..<40).contains(second) || second > 50
            hits += isPoor ? 1 : 9
            misses += isPoor ? 9 : 1
            let before = model.rings
            seen(&model, second, hits: hits, misses: misses)
            if model.rings > before { rang.append(second) }
        }
        #expect(rang.count == 2 && rang[0] > 20 && rang[0] < 31 && rang[1] > 50)
        let said = model.log.lines.map(\.note)
        #expect(said.contains { $0.hasPrefix("accounts: hit is 58.0%, beyond hit<80%") })
        #expect(said.contains { $0.hasSuffix("within hit<80% again") })
    }

    @Test(arguments: ["", "hit", "hit<", "nonsense<3", "stale>0", "expiry<5m", "hit<80"])
    func `that is none is refused`(text: String) {
        var model = model(100, 30)
        _ = press(&model, .char(":"))
        type(&model, "bell \(text)")
        _ = press(&model, .enter)
        guard case .palette(let palette) = model.overlay else {
            Issue.record("it is taken")
            return
        }
        #expect(palette.refusal != nil && model.bells.isEmpty)
    }
}

@Suite struct `What a screen has no room for, or nobody can tell` {
    @Test func `is said where columns are chosen`() {
        var model = model(80, 24)
        _ = press(&model, .char("c"))
        #expect(text(model).contains("(x) has no room here") && text(model).contains("(x) version"))
        var wide = LarderConsoleTests.model(250, 60)
        _ = press(&wide, .char("c"))
        #expect(!text(wide).contains("(x)"))
    }

    @Test func `is what a bound was two changes ago`() {
        var model = model(120, 40)
        func change(_ old: CacheConfiguration, _ new: CacheConfiguration) -> ChangeRecord {
            ChangeRecord(
                at: at(990), plan: "p", what: .applied, by: Operator("ann"),
                bounds: [.init(cache: "accounts", before: old, after: new)], entries: [],
                Outcome(removed: 0, bytes: 0, skipped: []), failure: nil)
        }
        var (first, second) = (
            CacheConfiguration(maxsize: 32, ttl: .seconds(60)), CacheConfiguration()
        )
        second = first
        second.maxsize = 64
        var third = second
        third.ttl = .seconds(300)
        model.changes = [change(first, second), change(second, third)]
        _ = press(&model, .char("5"))
        let lines = render(model).text
        #expect(lines.contains { $0.contains("maxsize") && $0.contains("64            32") })
        #expect(lines.contains { $0.contains("ttl ") && $0.contains("5m            1m") })
    }

    @Test func `is a word behind a command that takes no word`() {
        var model = model(80, 24)
        for line in ["verify all", "quit now", "invalidate 100000000001"] {
            _ = press(&model, .char(":"))
            type(&model, line)
            #expect(press(&model, .enter) == nil)
            #expect(text(model).contains("takes no words"), "\(line)")
            _ = press(&model, .escape)
        }
    }

    @Test func `is a filter that is not finished`() {
        var model = model(80, 24)
        _ = press(&model, .char("/"))
        type(&model, "hits>")
        _ = press(&model, .enter)
        guard case .prompt(let prompt) = model.overlay else { return #expect(Bool(false)) }
        #expect(prompt.refusal != nil && model.query.filter.isEmpty)
    }

    @Test func `is the engine of a frozen table that ended`() {
        var model = model(80, 24)
        let page = EntryPage(at: at(1000), rows: rows, matched: rows.count, total: rows.count)
        _ = update(&model, .froze(page))
        #expect(text(model).contains("FROZEN") && !text(model).contains("LOST"))
        _ = update(&model, .lost("the engine does not answer"))
        #expect(text(model).contains("FROZEN") && text(model).contains("LOST"))
    }
}
