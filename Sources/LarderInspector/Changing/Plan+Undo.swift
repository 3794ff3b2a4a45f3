import Larder

extension Plan {
    /// How long what went can be put back.
    public static let undoWindow = UndoID.window

    /// What could not be taken back once all is done, in a sentence; `nil` where nothing goes, or
    /// where all of it could be taken back for ``undoWindow``.
    ///
    /// - Parameter spread: Over how long the removals are spread. What went early can be put back no
    ///   more when the last goes.
    public func undoNote(spread: Duration? = nil) -> String? {
        let held = entries - failures
        guard let undoable, held > 0, !change.isSoft else { return nil }
        let bounds = change.changesBounds ? "The bounds can be taken back at any time; " : ""
        let window = Units.text(Self.undoWindow)
        guard undoable > 0 else {
            return Self.sentence(bounds, "nothing of what goes comes back")
        }
        if let spread, spread > Self.undoWindow {
            let last = Double(held) * (Self.undoWindow.inSeconds / spread.inSeconds)
            let back = min(undoable, max(1, Int(clamping: last)))
            return Self.sentence(
                bounds,
                "of what goes only the last \(window) can be taken back: when the "
                    + "\(Units.text(spread)) are over about \(back) of \(held) entries")
        }
        guard undoable < held else { return nil }
        return Self.sentence(
            bounds, "only \(undoable) of \(held) entries can be taken back, for \(window)")
    }

    private static func sentence(_ bounds: String, _ rest: String) -> String {
        (bounds.isEmpty ? rest.prefix(1).uppercased() + rest.dropFirst() : bounds + rest) + "."
    }
}

extension Change {
    fileprivate var changesBounds: Bool {
        switch self {
        case .configure: true
        case .all(let changes): changes.contains(where: \.changesBounds)
        case .invalidate, .invalidateAll, .soften: false
        }
    }
}
