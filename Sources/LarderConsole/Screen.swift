import CNcurses
import Foundation
import LarderInspector

/// The terminal, through curses; the one file that talks to it, on one thread.
///
/// Whatever ends the program, ``close()`` or ``Rescue`` gives the terminal back as it was found.
struct Screen: Display {
    let tier: GlyphTier
    private(set) var theme: Theme
    private var attributes: [Style: attr_t]
    private let isMono: Bool
    /// The terminal shows a frame as one where it is told its beginning and end.
    private let isSynchronized: Bool
    /// The frame that the terminal shows; `nil` where nobody knows what it shows.
    private var drawn: Frame?
    /// What is being pasted, until its end comes.
    private var pasted: String?
    /// What curses keeps of it.
    private let memory: OpaquePointer

    /// Takes the terminal over.
    ///
    /// - Throws: ``ConsoleError`` where there is none, or none that curses knows.
    init(environment: [String: String], theme: Theme, usesMouse: Bool) throws(ConsoleError) {
        guard isatty(0) == 1, isatty(1) == 1 else { throw .noTerminal }
        let locale = setlocale(LC_ALL, "").map { String(cString: $0) } ?? "C"
        setlocale(LC_NUMERIC, "C")
        let terminal = environment["TERM"] ?? ""
        // The terminal says how large it is, and not what a shell once wrote down.
        use_env(false)
        use_tioctl(true)
        var status: Int32 = 0
        // Looked up first: `newterm` writes its own complaint.
        guard setupterm(nil, 1, &status) == OK else {
            throw .unknownTerminal(terminal)
        }
        let rescue = TerminalState()
        larder_forget_terminal()
        // Whatever ends the process from here on gives the terminal back.
        Rescue.arm(rescue)
        guard let memory = larder_newterm() else {
            Rescue.disarm()
            throw .unknownTerminal(terminal)
        }
        self.memory = memory
        // On a slow line the parts of a key may come apart: whoever has one sets `ESCDELAY`.
        if environment["ESCDELAY"].flatMap({ Int32($0) }).map({ $0 > 0 }) != true {
            set_escdelay(25)
        }
        raw()
        noecho()
        nonl()
        curs_set(0)
        keypad(larder_stdscr(), true)
        // What terminals send all the same, whatever their description says.
        for (sequence, key) in Self.otherSpellings { define_key(sequence, key) }
        define_key("\u{1b}[200~", Self.pasteBegins)
        define_key("\u{1b}[201~", Self.pasteEnds)
        nodelay(larder_stdscr(), true)
        tier = Self.tier(locale: locale, terminal: terminal)
        isMono = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        isSynchronized = Self.isSynchronized(terminal, environment["TERM_PROGRAM"] ?? "")
        self.theme = theme
        attributes = Self.attributes(isMono ? .mono : theme)
        useMouse(usesMouse)
        tellsPasting(true)
    }

    /// Keys of our own, behind those of curses.
    private static let (pasteBegins, pasteEnds) = (KEY_MAX + 1, KEY_MAX + 2)
    /// Of what is pasted this is enough for any line.
    private static let mostPasted = 4096

    /// Has the terminal say what is pasted (mode 2004).
    private func tellsPasting(_ isWanted: Bool) { write("\u{1b}[?2004\(isWanted ? "h" : "l")") }

    private static let otherSpellings: [(String, Int32)] = [
        ("\u{1b}[1~", KEY_HOME), ("\u{1b}[7~", KEY_HOME), ("\u{1b}[H", KEY_HOME),
        ("\u{1b}OH", KEY_HOME), ("\u{1b}[4~", KEY_END), ("\u{1b}[8~", KEY_END),
        ("\u{1b}[F", KEY_END), ("\u{1b}OF", KEY_END), ("\u{1b}[A", KEY_UP), ("\u{1b}OA", KEY_UP),
        ("\u{1b}[B", KEY_DOWN), ("\u{1b}OB", KEY_DOWN), ("\u{1b}[C", KEY_RIGHT),
        ("\u{1b}OC", KEY_RIGHT), ("\u{1b}[D", KEY_LEFT), ("\u{1b}OD", KEY_LEFT),
        ("\u{1b}[5~", KEY_PPAGE), ("\u{1b}[6~", KEY_NPAGE), ("\u{1b}[3~", KEY_DC),
        ("\u{1b}[Z", KEY_BTAB),
    ]

    /// Terminals that know mode 2026; the others would ignore it, at the cost of the bytes.
    private static func isSynchronized(_ terminal: String, _ program: String) -> Bool {
        let known = ["kitty", "ghostty", "foot", "alacritty", "wezterm", "contour"]
        return known.contains { terminal.contains($0) || program.lowercased().contains($0) }
            || ["iTerm.app", "vscode"].contains(program)
    }

    /// Other colors from now on.
    mutating func use(_ theme: Theme) {
        self.theme = theme
        attributes = Self.attributes(isMono ? .mono : theme)
        repaint()
    }

    /// Has the terminal report its mouse, or leave it to select text with.
    func useMouse(_ isUsed: Bool) {
        let wanted = larder_mouse_press() | larder_mouse_wheel_up() | larder_mouse_wheel_down()
        mousemask(isUsed ? wanted : 0, nil)
        // A press counts at once: nothing waits for a second one.
        mouseinterval(0)
    }

    /// Has the terminal put a text on its clipboard (OSC 52).
    func copy(_ text: String) {
        let code = Data(text.utf8.prefix(Self.mostCopied)).base64EncodedString()
        write("\u{1b}]52;c;\(code)\u{7}")
    }

    func ring() { write("\u{7}") }

    /// Terminals take no more than this at once.
    private static let mostCopied = 74_000

    /// Past curses, which knows nothing of it.
    private func write(_ sequence: String) {
        // A terminal that has gone is found out where keys are waited for.
        _ = Descriptor.write(sequence, to: 1)
    }

    /// Plain signs where the locale is not UTF-8, and on terminals whose font has no others.
    private static func tier(locale: String, terminal: String) -> GlyphTier {
        // By hand: the first regular expression of a process takes milliseconds.
        let utf8 = ["utf-8", "utf8"].contains { locale.lowercased().contains($0) }
        let poor = ["linux", "vt", "ansi", "dumb"].contains { terminal.hasPrefix($0) }
        return utf8 && !poor ? .blocks : .ascii
    }

    private static func attributes(_ theme: Theme) -> [Style: attr_t] {
        var looks: [Style: attr_t] = [
            .plain: 0, .dim: larder_dim(), .bold: larder_bold(), .accent: larder_bold(),
            .selected: larder_reverse(), .marked: larder_bold(), .warning: larder_bold(),
            .trouble: larder_bold(), .badge: larder_reverse() | larder_bold(),
        ]
        guard theme != .mono, has_colors() else { return looks }
        start_color()
        // The terminal's own background, be it dark or light.
        let background: Int16 = use_default_colors() == OK ? -1 : Int16(COLOR_BLACK)
        let palette = theme.palette(colors: larder_colors())
        let colors: [(style: Style, color: Int32, and: attr_t)] = [
            (.accent, palette.accent, 0), (.selected, palette.accent, larder_reverse()),
            (.marked, palette.accent, larder_bold()), (.warning, palette.warning, 0),
            (.trouble, palette.trouble, 0),
        ]
        for (number, look) in colors.enumerated() {
            let pair = Int16(number + 1)
            init_pair(pair, Int16(look.color), background)
            looks[look.style] = larder_pair(pair) | look.and
        }
        if let dim = palette.dim {
            init_pair(9, Int16(dim), background)
            looks[.dim] = larder_pair(9)
        }
        return looks
    }

    var size: Size {
        Size(columns: Int(getmaxx(larder_stdscr())), rows: Int(getmaxy(larder_stdscr())))
    }

    /// Draws what there is to see; curses sends only what differs from the last frame.
    mutating func draw(_ model: Model) {
        let frame = render(model)
        let stretches = frame.stretches(changedSince: drawn)
        drawn = frame
        guard !stretches.isEmpty else { return }
        if isSynchronized { write("\u{1b}[?2026h") }
        defer { if isSynchronized { write("\u{1b}[?2026l") } }
        for (row, columns) in stretches {
            for run in frame.runs(in: row, columns) {
                wattrset(larder_stdscr(), Int32(bitPattern: UInt32(attributes[run.style]!)))
                mvwaddstr(larder_stdscr(), Int32(row), Int32(run.column), run.text)
            }
        }
        wrefresh(larder_stdscr())
    }

    /// Takes the size that the terminal has now.
    mutating func resize() {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0
        else { return }
        resizeterm(Int32(window.ws_row), Int32(window.ws_col))
        werase(larder_stdscr())
        drawn = nil
    }

    /// Sends everything anew, whatever the terminal shows.
    mutating func repaint() {
        wclear(larder_stdscr())
        drawn = nil
    }

    /// The keys pressed since the last call.
    mutating func keys() -> [Key] {
        var keys: [Key] = []
        while true {
            var code: wint_t = 0
            let kind = wget_wch(larder_stdscr(), &code)
            if kind == ERR { return keys }
            if kind != OK, Int32(code) == Self.pasteBegins {
                pasted = ""
                continue
            }
            if let text = pasted {
                if kind != OK, Int32(code) == Self.pasteEnds {
                    keys.append(.pasted(text))
                    pasted = nil
                } else if kind == OK, let scalar = Unicode.Scalar(code),
                    text.utf8.count < Self.mostPasted
                {
                    pasted?.unicodeScalars.append(scalar)
                }
                continue
            }
            if kind == OK, code == 27 {
                if !skipSequence() { keys.append(.escape) }
                continue
            }
            if let key = kind == OK ? Self.key(character: code) : Self.key(code: Int32(code)) {
                keys.append(key)
            }
        }
    }

    /// Skips what curses does not know behind an Esc: it came from one key, and its letters were
    /// not pressed. False where the Esc stood alone.
    private func skipSequence() -> Bool {
        var code: wint_t = 0
        guard wget_wch(larder_stdscr(), &code) == OK else { return false }
        guard let first = Unicode.Scalar(code), first == "[" || first == "O" else {
            // An Esc and then another key, pressed quickly.
            unget_wch(wchar_t(bitPattern: code))
            return false
        }
        if first == "O" { return wget_wch(larder_stdscr(), &code) != ERR }
        while wget_wch(larder_stdscr(), &code) == OK {
            if (0x40...0x7e).contains(code) { break }
        }
        return true
    }

    private static func key(character code: wint_t) -> Key? {
        switch code {
        case 13, 10: return .enter
        case 9: return .tab
        case 27: return .escape
        case 8, 127: return .backspace
        case 1...26: return .control(Character(Unicode.Scalar(UInt8(code) + 96)))
        case 0..<32: return nil
        default: return Unicode.Scalar(code).map { .char(Character($0)) }
        }
    }

    private static func key(code: Int32) -> Key? {
        switch code {
        case KEY_UP: .up
        case KEY_DOWN: .down
        case KEY_LEFT: .left
        case KEY_RIGHT: .right
        case KEY_PPAGE: .pageUp
        case KEY_NPAGE: .pageDown
        case KEY_HOME: .home
        case KEY_END: .end
        case KEY_ENTER: .enter
        case KEY_BTAB: .backtab
        case KEY_BACKSPACE: .backspace
        case KEY_DC: .delete
        case KEY_MOUSE: mouse()
        case KEY_F0 + 1...KEY_F0 + 12: .function(Int(code - KEY_F0))
        default: nil
        }
    }

    private static func mouse() -> Key? {
        var event = MEVENT()
        guard getmouse(&event) == OK else { return nil }
        if event.bstate & larder_mouse_wheel_up() != 0 { return .wheelUp }
        if event.bstate & larder_mouse_wheel_down() != 0 { return .wheelDown }
        return event.bstate & larder_mouse_press() != 0
            ? .click(Place(row: Int(event.y), column: Int(event.x))) : nil
    }

    /// Gives the terminal back for a while, and takes it again.
    mutating func suspend(_ pause: () -> Void) {
        tellsPasting(false)
        endwin()
        Rescue.disarm()
        pause()
        Rescue.rearm()
        tellsPasting(true)
        resize()
        repaint()
    }

    /// Gives the terminal back, and what was taken for it.
    func close() {
        tellsPasting(false)
        endwin()
        Rescue.disarm()
        delscreen(memory)
    }
}

/// Why there can be no console here, as a sentence for the one who asked.
public enum ConsoleError: Error, CustomStringConvertible, Equatable {
    /// Standard input or output is no terminal.
    case noTerminal
    /// Curses does not know the terminal of this name, which is empty where `TERM` is not set.
    case unknownTerminal(String)
    /// The terminal went away while the console ran.
    case closedInput
    /// What is said in lines cannot be written.
    case closedOutput(String)
    /// This process may open no more files.
    case noDescriptors(String)
    /// A key or an action that there is not.
    case wrongKey(String)

    public var description: String {
        switch self {
        case .noTerminal:
            "the console needs a terminal on standard input and output; --once prints one look "
                + "without"
        case .unknownTerminal(""):
            "TERM is not set; set it to what the terminal is, such as xterm-256color, or use --once"
        case .unknownTerminal(let name):
            "the terminal \"\(name)\" is not known here; set TERM to one that is, such as "
                + "xterm-256color, or use --once"
        case .closedInput: "the terminal's input was closed"
        case .closedOutput(let why): "nothing can be written to standard output: \(why)"
        case .noDescriptors(let why):
            "the console needs a few descriptors of its own, and there are none left: \(why)"
        case .wrongKey(let why): why
        }
    }
}
