import Foundation
import Larder
@testable import LarderInspector
import Testing

@testable import LarderConsole

/// What somebody else does to the same engine.
@Suite struct `What others do` {
    private func record(
        _ what: ChangeRecord.What, plan: Plan.ID = "p1", keys: [String] = [],
        bounds: [ChangeRecord.Bounds] = [], failure: String? = nil
    ) -> ChangeRecord {
        let victims = keys.map {
            PlannedVictim(id: id($0), version: 1, bytes: 9, cause: .invalidated)
        }
        return ChangeRecord(
            at: at(1000), plan: plan, what: what, by: Operator("bob", reason: "leak"),
            bounds: bounds, entries: victims, .nothing, failure: failure)
    }

    private func id(_ key: String) -> EntryKey { EntryKey(cache: "accounts", key: key) }

    private func maxsize(_ from: Int, _ to: Int) -> ChangeRecord.Bounds {
        .init(
            cache: "accounts", before: CacheConfiguration(maxsize: from),
            after: CacheConfiguration(maxsize: to))
    }

    @Test func `over some time is seen while it goes on, and can be stopped from here`() {
        var model = model(120, 40)
        #expect(press(&model, .char("x")) == nil)
        _ = update(&model, .changed(record(.began, keys: ["1", "2"])))
        _ = press(&model, .char("5"))
        #expect(text(model).contains("began: 2 of accounts go, one by one"))
        #expect(text(model).contains("x stops") && text(model).contains("by bob"))
        #expect(press(&model, .char("x")) == .cancel("p1"))
        // It is not waited for, and its end is told by its record.
        var other = model
        #expect(press(&other, .control("c")) == .quit)
        _ = update(&model, .changed(record(.cancelled, keys: ["1"])))
        #expect(model.underWay == nil)
    }

    @Test func `before the console was opened goes on in it`() {
        var model = model(120, 40)
        var began = record(.began, keys: ["1"])
        began.planned = 5000
        _ = update(&model, .changesBefore([began]))
        #expect(model.underWay?.plan == "p1" && model.underWay?.by != nil)
        _ = press(&model, .char("5"))
        #expect(text(model).contains("began: 5000 of accounts go, one by one"))
        _ = update(&model, .changed(record(.applied)))
        #expect(model.underWay == nil && model.undoTarget == nil)
    }

    @Test func `of which a part went back is not offered any more`() {
        var model = model(120, 40)
        model.undos = [.init(plan: "p0"), .init(plan: "p1")]
        let back = maxsize(64, 128)
        _ = update(&model, .changed(record(.undone, bounds: [back], failure: "ttl was changed")))
        #expect(model.undos.map(\.plan) == ["p0"])
    }

    @Test func `for a while says for how long`() {
        var model = model(120, 40)
        var change = record(.applied, bounds: [maxsize(64, 128)])
        change.lasting = .seconds(20)
        _ = update(&model, .changed(change))
        _ = press(&model, .char("5"))
        #expect(text(model).contains("maxsize 64 → 128 entries, for 20s"))
    }

    @Test func `does not write over what was refused here`() {
        var model = model(120, 40)
        _ = update(&model, .failed("the bounds of accounts were changed since"))
        _ = update(&model, .changed(record(.applied, bounds: [maxsize(64, 40)])))
        #expect(model.toast?.text == "the bounds of accounts were changed since")
        _ = press(&model, .char("j"))
        _ = update(&model, .changed(record(.applied, plan: "p2", bounds: [maxsize(40, 50)])))
        #expect(model.toast?.text.contains("40 → 50") == true)
    }

    @Test func `while a plan lies there is told in it`() {
        var model = model(120, 40)
        var plan = Plan(
            id: "p", instance: "1f",
            change: .configure(cache: "accounts", to: CacheConfiguration(maxsize: 60)),
            at: at(1000), entries: 0, bytes: 0, victims: [], skipped: [])
        plan.before = model.configuration(of: "accounts")
        _ = update(&model, .planned(plan))
        #expect(!text(model).contains("other ones since"))
        plan.before?.maxsize = 40
        _ = update(&model, .planned(plan))
        // What was seen is older than the plan.
        #expect(!text(model).contains("other ones since"))
        _ = update(&model, look(model, rows, report(seconds: 1)))
        #expect(text(model).contains("The bounds are other ones since, maxsize 40 → 64 entries"))
        // Enter does what it says.
        #expect(text(model).contains("Enter Cancel"))
        _ = press(&model, .tab)
        #expect(text(model).contains("Enter Do it"))
    }

    @Test func `can be taken back, the latest that can be, or the one that is chosen`() {
        var model = model(120, 40)
        _ = press(&model, .char("5"))
        for (plan, bounds) in [("a", maxsize(64, 80)), ("b", maxsize(80, 90))] {
            _ = update(&model, .changed(record(.applied, plan: plan, bounds: [bounds])))
        }
        #expect(model.undoTarget == "b")
        _ = update(&model, .changed(record(.undone, plan: "b", bounds: [maxsize(90, 80)])))
        #expect(model.undoTarget == "a")
        _ = press(&model, .down)
        #expect(press(&model, .char("u")) == .planUndo("b"))
    }

    @Test func `is there in full, be the line ever so short`() {
        var model = model(80, 24)
        let why = String(repeating: "a long story ", count: 12)
        _ = press(&model, .char("5"))
        #expect(press(&model, .enter) == nil)
        _ = update(
            &model, .changed(record(.failed, plan: "488157ff37a686ab", keys: ["7"], failure: why)))
        _ = press(&model, .enter)
        #expect(text(model).contains("plan    488157ff37a686ab") && text(model).contains("leak"))
        #expect(text(model).components(separatedBy: "story").count > 12)
        _ = press(&model, .escape)
        #expect(model.overlay == nil && model.view == .config)
    }
}
