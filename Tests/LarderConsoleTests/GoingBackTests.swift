import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// A model in which every view has something to open.
private func full(_ columns: Int = 120, _ height: Int = 40) -> Model {
    var model = model(columns, height)
    var engine = report(seconds: 1)
    engine.caches[0].mostFetched = [
        FetchedRow(
            key: rows[1].id.key, fetches: 42, failures: 42, kind: .throttled, reason: "slow down")
    ]
    engine.caches[0].fetchedSince = at(700)
    engine.caches[0].snapshot.counters.failures.throttled = 42
    engine.caches[0].snapshot.lastFailures = [
        .throttled: LastFailure(at: at(990), reason: "slow down")
    ]
    engine.origins = [OriginReport(name: "GetItem", calls: 9)]
    var seen = Look(
        report: engine, page: EntryPage(at: engine.at, rows: rows, matched: 3, total: 3),
        query: model.query, detail: nil, events: [evicted(1, rows[1].id.key)], dropped: 0)
    seen.largest = Array(rows.reversed())
    var forecast = Forecast(at: engine.at, width: .seconds(5), count: 180)
    var cache = Forecast.Cache(name: "accounts", count: 180)
    cache.ending[0] = 3
    forecast.caches = [cache]
    seen.forecast = forecast
    _ = update(&model, .looked(seen))
    return model
}

@Suite struct `Esc` {
    /// What the engine answers, as far as it is a question for an entry.
    private func answer(_ model: inout Model, _ effect: Effect?, isHeld: Bool = true) {
        guard case .seek(let id)? = effect else { return }
        let row = rows.first { $0.id == id }
        let detail = isHeld ? row.map { EntryDetail(row: $0, value: .null) } : nil
        _ = update(&model, .sought(id, detail))
    }

    @Test(
        arguments: [Model.View.expiry, .evictions, .events, .memory, .origins, .caches],
        [true, false])
    func `goes back to the view, and the line, from which something was opened`(
        view: Model.View, isHeld: Bool
    ) {
        for line in 0..<4 {
            var model = full()
            _ = press(&model, .char("4"), .char("/"), .char("0"), .enter)
            _ = show(&model, view)
            for _ in 0..<line { _ = press(&model, .down) }
            let (cursor, filter) = (model.pane.cursor, model.filter)
            var effect = press(&model, .enter)
            answer(&model, effect, isHeld: isHeld)
            // A list that asks which key.
            if model.overlay != nil {
                effect = press(&model, .enter)
                answer(&model, effect, isHeld: isHeld)
            }
            guard model.view != view || model.filter != filter else { continue }
            // What was opened may be looked at in full, and filtered on.
            if model.view == .entries {
                _ = press(&model, .enter, .escape, .char("/"))
                type(&model, " 9")
                _ = press(&model, .enter, .escape)
            }
            _ = press(&model, .escape)
            #expect(
                model.view == view && model.pane.cursor == cursor && model.filter == filter,
                "\(view), line \(line): \(model.view)")
            #expect(model.trail.isEmpty)
        }
    }

    @Test func `goes back to the table as it was, and a view chosen by its number is a new way`() {
        var model = full()
        _ = press(&model, .char("G"), .char("9"), .enter)
        #expect(model.view == .entries && model.query.caches == ["accounts"])
        #expect(press(&model, .escape) == .look)
        #expect(model.view == .caches && model.query.caches.isEmpty)
        #expect(model.cursor == rows[2].id && model.rows == rows)
        _ = press(&model, .enter, .char("6"), .escape)
        #expect(model.view == .entries && model.query.caches == ["accounts"])
    }

    @Test func `leads out again, whatever was opened in which order`() {
        var random = Seeded(5)
        for _ in 0..<300 {
            var model = full()
            for _ in 0..<20 {
                let key: Key = [
                    .char("2"), .char("3"), .char("4"), .char("6"), .char("7"), .char("8"),
                    .char("9"),
                    .enter, .enter, .enter, .down, .char("/"), .char("0"), .escape, .char("q"),
                    .char("!"), .char("Z"),
                ].randomElement(using: &random)!
                let effect = press(&model, key)
                if effect == .quit { model = full() }
                answer(&model, effect, isHeld: .random(using: &random))
            }
            for _ in 0..<100 { _ = press(&model, .escape) }
            #expect(model.view == .entries && model.trail.isEmpty && model.detailScroll == nil)
        }
    }
}

@Suite struct `The origins` {
    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `have a cursor, and Enter opens what it is on`(columns: Int, height: Int) {
        var model = full(columns, height)
        _ = press(&model, .char("7"))
        let stops = OriginsView.stops(model)
        #expect(
            stops == [
                .cache("accounts"), .cache("credentials"), .key(rows[1].id),
                .failures(cache: "accounts"), .call,
            ])
        _ = press(&model, .down, .down)
        let frame = render(model)
        let isOnIt = frame.text.indices.contains { row in
            frame.text[row].contains("42")
                && frame.runs(in: row).contains { $0.style == .selected }
        }
        #expect(isOnIt)
        #expect(press(&model, .enter) == .seek(rows[1].id))
        _ = press(&model, .down)
        _ = press(&model, .enter)
        #expect(model.view == .events && model.filter == "state=failed and cache=\"accounts\"")
    }

    @Test func `can be gone through to the last line on a small screen`() {
        var model = full(80, 14)
        _ = press(&model, .char("7"))
        for _ in 0..<20 { _ = press(&model, .down) }
        #expect(text(model).contains("GetItem"))
    }
}

@Suite struct `A range of marks` {
    private let many = (0..<12).map { account("k\($0 + 100)", left: Double($0) + 1, version: 5) }

    @Test func `is of the entries that were seen, whatever comes and goes between`() {
        var random = Seeded(8)
        for _ in 0..<300 {
            var model = model(80, 40, many)
            var shown = many
            for _ in 0..<Int.random(in: 0..<12, using: &random) { _ = press(&model, .down) }
            let start = model.cursor
            _ = press(&model, .char("V"))
            for step in 0..<Int.random(in: 1..<9, using: &random) {
                _ = press(&model, Bool.random(using: &random) ? .down : .up)
                // Others come, and what is there changes its place.
                shown.insert(account("n\(step)", left: 1, version: 6), at: 0)
                shown.shuffle(using: &random)
                _ = update(&model, .tick(at(1000 + 9 * Double(step))))
                _ = update(&model, look(model, shown, report(seconds: 9 * Double(step))))
            }
            let ends = [start, model.cursor].map { id in
                model.rows.firstIndex { $0.id == id }!
            }.sorted()
            let expected = model.rows[ends[0]...ends[1]].map(\.id)
            _ = press(&model, .char("V"))
            #expect(Set(model.marks.keys) == Set(expected) && model.rangeStart == nil)
        }
    }

    @Test func `keeps the rows in their places until it ends`() {
        var model = model(80, 40, many)
        _ = press(&model, .char("V"))
        #expect(text(model).contains("V again marks"))
        _ = press(&model, .down, .down)
        #expect(text(model).contains("V marks from k100 to here"))
        _ = update(&model, .tick(at(1060)))
        _ = update(&model, look(model, many.reversed(), report(seconds: 60)))
        #expect(model.rows.map(\.id) == many.map(\.id))
        _ = press(&model, .char("V"))
        #expect(Set(model.marks.keys.map(\.key)) == ["k100", "k101", "k102"])
    }

    @Test func `is dropped by Esc, and says where the row that it began at is gone`() {
        var model = model(80, 40, many)
        _ = press(&model, .char("V"), .down, .escape)
        #expect(model.rangeStart == nil && model.marks.isEmpty)
        _ = press(&model, .char("V"), .down)
        _ = update(
            &model, look(model, many.filter { $0.id != many[1].id }, report(seconds: 1)))
        _ = press(&model, .char("V"))
        #expect(model.marks.isEmpty && model.toast?.text.hasPrefix("k101 is gone") == true)
    }
}

@Suite struct `What was said` {
    @Test(arguments: Model.View.allCases)
    func `ends with the next key, and after its time, in every view`(view: Model.View) {
        for key in [Key.down, .char("1"), .char("?"), .escape, .char("z"), .wheelDown] {
            var model = full()
            model.view = view
            model.say("old words")
            _ = press(&model, key)
            #expect(model.toast?.text != "old words", "\(key)")
        }
        var model = full()
        model.view = view
        model.say("old words")
        _ = update(&model, .tick(model.now + .seconds(5)))
        #expect(model.toast == nil && !text(model).contains("old words"))
    }
}
