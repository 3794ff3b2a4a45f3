/// A key press, as the terminal's many spellings of it come down to.
enum Key: Hashable, Sendable {
    case char(Character)
    case control(Character)
    case function(Int)
    case up, down, left, right, pageUp, pageDown, home, end
    case enter, escape, tab, backtab, backspace, delete
    /// A press of the mouse, and its wheel by a notch.
    case click(Place)
    case wheelUp, wheelDown
    /// A text that was pasted, where the terminal says so: nobody pressed its letters.
    case pasted(String)

    private static let named: [Key] =
        [
            .char(" "), .up, .down, .left, .right, .pageUp, .pageDown, .home, .end, .tab,
            .backtab, .backspace, .delete, .enter, .escape,
        ] + (1...12).map { .function($0) }
        + "abcdefghijklmnopqrstuvwxyz".map { .control($0) }

    /// By the name that help and the article "Keys" write, or a character by itself.
    init?(named name: String) {
        if name.count == 1 {
            self = .char(name.first!)
        } else if let key = Self.named.first(where: { $0.name.lowercased() == name.lowercased() }) {
            self = key
        } else {
            return nil
        }
    }

    /// As help and the article "Keys" write it.
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
        case .click: "Click"
        case .wheelUp: "Wheel-Up"
        case .wheelDown: "Wheel-Down"
        case .pasted: "Paste"
        }
    }
}
