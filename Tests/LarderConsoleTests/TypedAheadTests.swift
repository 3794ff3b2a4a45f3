import Larder
import Testing

@testable import LarderConsole
@testable import LarderInspector

/// What is typed while a plan is being made.
@Suite struct `A key typed ahead of a plan` {
    private let plan = Plan(
        id: "p", instance: report().instance,
        change: .invalidate([SeenEntry(id: rows[0].id, version: 7)]), at: at(1000), entries: 1,
        bytes: 402, victims: [], skipped: [])

    private func asked() -> Model {
        var model = model(80, 24)
        #expect(press(&model, .char("d"))?.asksForPlan == true)
        return model
    }

    @Test func `goes to its dialog, and not to the view below`() {
        var model = asked()
        let cursor = model.cursor
        #expect(press(&model, .char("j"), .char("r"), .char("o"), .char("k"), .enter) == nil)
        #expect(model.cursor == cursor && model.overlay == nil)
        #expect(text(model).contains("the plan is being made"))
        #expect(press(&model, .char("l"), .enter) == nil)
        #expect(
            update(&model, .planned(plan))
                == .apply("p", PlanApplication(), reason: "ok"))
        #expect(model.overlay == nil && model.typedAhead == nil)
    }

    @Test func `does nothing unseen where it means Cancel`() {
        var model = asked()
        _ = press(&model, .enter)
        #expect(update(&model, .planned(plan)) == nil)
        #expect(model.overlay == nil && model.typedAhead == nil)
    }

    @Test func `that is Esc does without it`() {
        var model = asked()
        _ = press(&model, .escape)
        _ = press(&model, .char("j"))
        #expect(model.cursor == rows[1].id)
        #expect(update(&model, .planned(plan)) == nil && model.overlay == nil)
        // The next is another's answer.
        _ = press(&model, .char("d"))
        _ = update(&model, .planned(plan))
        guard case .plan = model.overlay else { return #expect(Bool(false)) }
    }

    @Test func `is of no use where there can be no plan`() {
        var model = asked()
        _ = press(&model, .char("j"))
        _ = update(&model, .failed("there is no such cache"))
        #expect(model.typedAhead == nil && text(model).contains("there is no such cache"))
        _ = press(&model, .char("j"))
        #expect(model.cursor == rows[1].id)
    }
}
