import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// Any keys, sizes and answers in any order.
@Suite struct `Whatever happens` {
    @Test(arguments: 0..<30)
    func `every size has its frame and the cursor is on a row that is there`(seed: Int) {
        var random = Seeded(UInt64(seed))
        var model = model(80, 24)
        var now = 1000.0
        let keys: [Key] =
            bindings.flatMap(\.keys).filter { ![.control("c"), .control("z")].contains($0) }
            + ["1", "x", "9", "h"].map { .char($0) } + [.left, .right, .tab]
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let size = Size(
                    columns: .random(in: 1...200, using: &random),
                    rows: .random(in: 1...60, using: &random))
                _ = update(&model, .resized(size))
            case 1...2:
                now += .random(in: 0...3, using: &random)
                let count = Int.random(in: 0...300, using: &random)
                let rows = (0..<count).map { number in
                    account(
                        "k\(Int.random(in: 0...900, using: &random) * 1000 + number)",
                        left: .random(in: -2...300, using: &random),
                        hits: .random(in: 0...9, using: &random), now: now)
                }
                _ = update(&model, look(model, rows, report(seconds: now - 1000)))
            case 3:
                let plan = Plan(
                    id: "p", instance: "1f", change: .invalidateAll(cache: "accounts"), at: at(now),
                    entries: 3, bytes: 9, victims: [], skipped: [], before: nil)
                _ = update(&model, .planned(plan))
            case 4:
                _ = update(
                    &model,
                    .froze(Page(at: at(now), rows: model.rows, matched: 0, total: 0)))
            default: _ = update(&model, .key(keys.randomElement(using: &random)!))
            }
            let frame = render(model)
            #expect(frame.cells.count == model.size.columns * model.size.rows)
            if let cursor = model.cursor, model.position - model.offset < model.rows.count {
                #expect(model.rows.contains { $0.id == cursor })
            }
        }
    }
}
