/// A key press, as the terminal's many spellings of it come down to.
enum Key: Hashable, Sendable {
    case char(Character)
    case control(Character)
    case function(Int)
    case up, down, left, right, pageUp, pageDown, home, end
    case enter, escape, tab, backtab, backspace, delete

    /// As help and the README write it.
    var name: String {
        switch self {
        case .char(" "): "Space"
        case .char(let character): String(character)
        case .control(let character): "Ctrl-\(character.uppercased())"
        case .function(let number): "F\(number)"
        case .up: "Up"
        case .down: "Down"
        case .left: "Left"
        case .right: "Right"
        case .pageUp: "PgUp"
        case .pageDown: "PgDn"
        case .home: "Home"
        case .end: "End"
        case .enter: "Enter"
        case .escape: "Esc"
        case .tab: "Tab"
        case .backtab: "Shift-Tab"
        case .backspace: "Backspace"
        case .delete: "Del"
        }
    }
}
