import Foundation
import Larder
@testable import LarderInspector
import Testing

@testable import LarderConsole

/// The mouse, told by what stands on the screen.
@Suite struct `The mouse` {
    /// Where a text stands, on a line that holds `also`.
    private func place(of text: String, with also: String? = nil, _ model: Model) throws -> Place {
        let lines = render(model).text
        let row = try #require(lines.firstIndex { $0.contains(text) && $0.contains(also ?? text) })
        let before = lines[row][..<lines[row].range(of: text)!.lowerBound]
        return Place(row: row, column: Text.width(of: String(before)))
    }

    private func click(
        _ model: inout Model, _ text: String, with also: String? = nil
    ) throws -> Effect? {
        update(&model, .key(.click(try place(of: text, with: also, model))))
    }

    @Test(arguments: [80, 120])
    func `selects a row, and opens it the second time`(columns: Int) throws {
        var model = model(columns, columns / 3)
        _ = try click(&model, "100000000002", with: "cold")
        #expect(model.cursor == rows[1].id && model.detailScroll == nil)
        _ = try click(&model, "100000000002", with: "cold")
        #expect(model.detailScroll == 0)
    }

    @Test func `sorts by a heading, and turns the order round the second time`() throws {
        var model = model(80, 24)
        #expect(try click(&model, "HITS") == .look)
        #expect(model.query.sort == .hits && model.query.descending)
        _ = try click(&model, "HITS")
        #expect(model.query.sort == .hits && !model.query.descending)
    }

    @Test func `goes to a view by its name, and does what the last line says`() throws {
        var model = model(80, 24)
        _ = try click(&model, "6Memory")
        #expect(model.view == .memory)
        _ = try click(&model, "Help")
        guard case .help = model.overlay else { throw Failure(model) }
    }

    @Test func `goes to the instant of a sample in a graph`() throws {
        var model = model(80, 24)
        let graph = try place(of: "█   110/s", model)
        _ = update(&model, .key(.click(Place(row: graph.row, column: graph.column))))
        #expect(model.past?.at == at(1000))
    }

    @Test func `has to press a button of a plan twice, and cannot reach what lies below`() throws {
        var model = model(80, 24)
        let below = try place(of: "5Config", model)
        _ = update(
            &model,
            .planned(
                Plan(
                    id: "1", instance: "1f", change: .invalidateAll(cache: "accounts"),
                    at: at(1000),
                    entries: 2, bytes: 804, victims: [], skipped: [], before: nil)))
        #expect(try click(&model, "[ Invalidate ]") == nil)
        guard case .plan(let dialog) = model.overlay else { throw Failure(model) }
        #expect(dialog.focus == .apply)
        _ = update(&model, .key(.click(below)))
        #expect(model.view == .entries)
        #expect(try click(&model, "[ Invalidate ]") == .apply("1", PlanApplication(), reason: nil))
    }

    @Test func `moves by its wheel`() {
        let many = (0..<100).map { account("k\($0 + 100)", left: Double($0) + 1) }
        var model = model(80, 24, many)
        _ = press(&model, .wheelDown, .wheelDown, .wheelUp)
        #expect(model.position == 3)
    }

    private struct Failure: Error {
        let overlay: String
        init(_ model: Model) { overlay = "\(String(describing: model.overlay))" }
    }
}

@Suite struct `Chosen keys` {
    @Test func `do what they were chosen for, and what they did before has lost them`() throws {
        var model = model(120, 60)
        try model.keys.bind("expiry=j,F8")
        _ = press(&model, .char("j"))
        #expect(model.view == .expiry)
        _ = press(&model, .char("1"), .function(8))
        #expect(model.view == .expiry)
        _ = press(&model, .char("1"), .char("2"))
        #expect(model.view == .entries)
        _ = press(&model, .char("?"))
        #expect(render(model).text.contains { $0.contains("j F8") && $0.contains("fetches") })
    }

    @Test(arguments: [
        ("sing=x", "no ACTION=KEY"), ("quit", "no ACTION=KEY"), ("quit=Hyper-X", "is no key"),
        ("invalidate=Ctrl-C", "always a way out"), ("invalidate=Esc", "always a way out"),
    ])
    func `that are none are refused`(text: String, why: String) {
        var keys = KeyBindings()
        #expect { try keys.bind(text) } throws: { "\($0)".contains(why) }
    }
}

@Suite struct `Views` {
    @Test func `keep a filter and an order of their own`() {
        var model = model(80, 24)
        _ = press(&model, .char("3"), .char("/"))
        type(&model, "hits=0")
        _ = press(&model, .enter, .char("6"), .char("/"))
        type(&model, "cache=accounts")
        _ = press(&model, .enter, .char(">"))
        #expect(model.largestQuery.filter == "cache=accounts" && model.largestQuery.sort == .fetch)
        _ = press(&model, .char("1"))
        #expect(model.query.filter.isEmpty && model.query.sort == .ttl)
        _ = press(&model, .char("3"))
        #expect(model.filter == "hits=0")
        #expect(render(model).text.contains { $0.contains("filter hits=0") })
        _ = press(&model, .escape)
        #expect(model.filter.isEmpty && model.view == .evictions)
    }

    @Test func `of evictions show those that pass`() {
        var model = model(80, 24)
        let events = [evicted(1, "a1"), evicted(2, "b2")]
        _ = update(&model, look(model, rows, report(seconds: 1), events: events))
        _ = press(&model, .char("3"), .char("/"))
        type(&model, "b2")
        #expect(model.evictions.map(\.key) == ["b2"])
    }
}

@Suite struct `A spike` {
    @Test func `is gone to, and from there on to the next or back to now`() {
        var model = model(80, 24)
        var misses: UInt64 = 100
        for second in 1..<60 {
            misses += second == 20 || second == 40 ? 500 : second == 41 ? 900 : 5
            let seen = report(seconds: Double(second), hits: 1000 + UInt64(second), misses: misses)
            _ = update(&model, look(model, rows, seen))
        }
        _ = update(&model, .froze(EntryPage(at: model.now, rows: rows, matched: 3, total: 3)))
        _ = press(&model, .char("("))
        #expect(model.past?.at == at(1041))
        _ = press(&model, .char("("))
        #expect(model.past?.at == at(1020))
        _ = press(&model, .char("("))
        #expect(model.past?.at == at(1020) && model.toast?.text.contains("nothing of note") == true)
        _ = press(&model, .char(")"))
        #expect(model.past?.at == at(1041))
        #expect(press(&model, .home) == .look)
        #expect(model.past?.at == nil && model.frozen?.at == nil)
    }
}
