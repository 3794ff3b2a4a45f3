import CNcurses

/// Which colors things have. Whatever they are, a color only repeats what a word says.
public enum Theme: String, Hashable, Sendable, Codable, CaseIterable {
    /// The terminal's own eight colors.
    case auto
    /// Colors chosen for a dark or a light background, where the terminal has 256.
    case dark, light
    /// None at all.
    case mono

    struct Palette {
        var accent: Int32
        var warning: Int32
        var trouble: Int32
        /// What matters less; `nil` for the terminal's own dim text.
        var dim: Int32?
    }

    func palette(colors: Int32) -> Palette {
        let own = Palette(accent: COLOR_CYAN, warning: COLOR_YELLOW, trouble: COLOR_RED)
        guard colors >= 256 else { return own }
        return switch self {
        case .auto, .mono: own
        case .dark: Palette(accent: 80, warning: 221, trouble: 203, dim: 245)
        case .light: Palette(accent: 25, warning: 130, trouble: 160, dim: 243)
        }
    }
}
