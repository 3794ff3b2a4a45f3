import Larder
import LarderInspector

/// What the console takes, and what looking costs the engine.
enum OwnCostView {
    static func draw(_ model: Model, _ frame: inout Frame) {
        let own = model.ownCost
        var lines: [Pieces] = [
            line("processor", own.frames == 0 ? "measured in a moment" : share(own.share)),
            line("memory", own.memory == 0 ? "-" : Format.bytes(own.memory)),
            line("frames", Format.count(own.frames)),
            line("last look", "took \(Format.took(own.look)), every \(Units.text(model.interval))"),
            line(
                "reads",
                "\(Format.bytes(Int(clamping: own.read)))/s, writes "
                    + "\(Format.bytes(Int(clamping: own.written)))/s"),
            line("data", data(model)),
            line("events", events(model)),
            [],
            [("locks held by looking, in the engine", .dim)],
        ]
        for cache in model.report?.caches ?? [] {
            let hold = cache.snapshot.holds.looking
            lines.append(
                line(
                    Text.cut(cache.name, to: 12, mark: model.glyphs.more),
                    "\(Format.count(hold.count)) times, \(Format.took(.nanoseconds(hold.total))) in all, "
                        + "\(Format.took(.nanoseconds(hold.longestWork))) at most"))
        }
        let width = min(model.size.columns - 2, 72)
        let inside = frame.dialog(
            "What looking costs", width: width, height: lines.count + 2, model.glyphs)
        frame.put(lines, in: inside, model)
    }

    private static func data(_ model: Model) -> String {
        guard let report = model.report else { return "none yet" }
        return "of \(Format.age(model.now - report.at)) ago, instance \(report.instance)"
    }

    /// How far the feed has come, and what of it nobody saw.
    private static func events(_ model: Model) -> String {
        let last = (model.report?.caches ?? []).map {
            "\(Text.safe($0.name, ascii: model.glyphs.ascii)) \(Format.count($0.snapshot.lastEvent))"
        }
        return last.joined(separator: ", ") + ", \(Format.count(model.dropped)) not seen"
    }

    private static func line(_ label: String, _ text: String) -> Pieces {
        [(Text.left(label, 13), .dim), (text, .plain)]
    }

    private static func share(_ share: Double) -> String {
        let thousandths = (share * 1000).rounded()
        return "\(thousandths / 10) % of a core"
    }
}
