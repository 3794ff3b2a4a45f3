import Larder
import LarderInspector

extension HeaderView {
    /// Which engine it is, at the header's end, and how fresh what is shown is: whether the engine is
    /// lost, the table frozen, or the past on the screen.
    static func badges(_ model: Model, brief: Bool) -> Pieces {
        guard let report = model.report else {
            return [(model.problem ?? "waiting for the engine", .warning), (" ", .plain)]
        }
        var pieces: Pieces = []
        if let lag = model.lag {
            let age = "as of \(Format.age(lag)) ago "
            pieces.append(
                model.problem == nil ? (" \(age)", .warning) : (" LOST, \(age)", .trouble))
        } else if let past = model.past {
            pieces.append((" PAST \(model.time(past.at)) ", .badge))
        } else if let frozen = model.frozen {
            pieces.append((" FROZEN \(Format.age(model.now - frozen.at)) ", .badge))
        }
        // A frozen table stays as it is; but it must be seen that nothing answers any more.
        if model.frozen != nil, model.problem != nil { pieces.append((" LOST ", .trouble)) }
        if model.isReadOnly { pieces.append((" READ ONLY ", .bold)) }
        if report.gateway?.acceptsUnsigned ?? false { pieces.append((" UNSIGNED OK ", .badge)) }
        if !brief { pieces.append(("  larder \(report.pid) ", .dim)) }
        if model.engines.count > 1 {
            pieces += engines(model, brief: brief)
        } else {
            if model.isDemo { pieces.append((" DEMO ", .badge)) }
            if !model.isDemo || report.name != "demo" { pieces.append((" \(report.name)", .bold)) }
        }
        pieces.append((" \(model.time(model.now)) ", .plain))
        return pieces
    }

    /// The engines that are open: the one that is shown in brackets, one that is lost with a mark.
    private static func engines(_ model: Model, brief: Bool) -> Pieces {
        model.engines.filter { $0.isShown || !brief }.map { engine in
            let name = Text.safe(engine.name, ascii: model.glyphs.ascii)
            let mark = engine.isLost ? "!" : ""
            return engine.isShown
                ? (" [\(name)\(mark)]", .bold)
                : (" \(name)\(mark)", engine.isLost ? .trouble : .dim)
        } + (brief ? [(" +\(model.engines.count - 1)", .dim)] : [])
    }
}
