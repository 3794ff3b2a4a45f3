import Foundation
import TestSupport
import Testing

/// What a person who lives in terminals does without thinking, in a real one.
@Suite(.timeLimit(.minutes(10))) struct `Habits` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(
        _ command: String, columns: Int = 80, rows: Int = 24, environment: [String: String] = [:]
    ) throws -> Terminal {
        let own = ["XDG_RUNTIME_DIR": folder.path, "XDG_DATA_HOME": folder.path]
        return try Terminal(
            "\(larder) \(command)", columns: columns, rows: rows,
            environment: own.merging(environment) { $1 })
    }

    // MARK: Terminals as people have them

    @Test
    func `a size that a shell once wrote down does not decide, nor tears a slow line a key apart`()
        throws
    {
        let terminal = try open(
            "top --traffic 0 --latency 0s --warm 3", columns: 100, rows: 30,
            environment: ["LINES": "10", "COLUMNS": "40", "ESCDELAY": "3000"])
        let screen = try terminal.wait(for: "100000000002")
        let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.prefix(30).last?.contains("? Help") == true, "\(screen)")
        #expect(lines.contains { $0.count > 80 }, "\(screen)")
        try terminal.press("g")
        // The parts of the key Down, as a slow line delivers them.
        try terminal.type("\u{1b}")
        try terminal.type("[")
        try terminal.type("B")
        try terminal.wait("the second row") { screen in
            screen.split(separator: "\n").contains {
                $0.hasPrefix(" │>  100000000001") || $0.hasPrefix(">  100000000001")
            }
        }
    }

    @Test func `one look on a terminal has nothing of a key that steers it`() throws {
        let key = "x\u{1b}]0;title\u{7}\u{202e}\u{9b}y"
        for format in ["text", "csv", "json"] {
            let output = folder.path + "/\(format)"
            // `script` gives the command a terminal and keeps every byte that it writes there.
            let look =
                "top --once --for 0s --traffic 0 --latency 0s --keys \"$KEY\" "
                + "--cache accounts:negative=60s --format \(format)"
            let terminal = try Terminal(
                "script -qec '\(larder) \(look)' \(output) >/dev/null",
                environment: ["KEY": key, "LARDER_STORE": folder.path + "/accounts.sqlite"])
            #expect(try terminal.exitStatus() == 0)
            let bytes = try Data(contentsOf: URL(filePath: output))
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("negative"), "\(text)")
            let body = text.split(separator: "\n").filter { !$0.hasPrefix("Script ") }.joined()
            for sign: Unicode.Scalar in ["\u{1b}", "\u{202e}", "\u{9b}", "\u{7}"] {
                #expect(!body.unicodeScalars.contains(sign), "\(format)")
            }
        }
    }

    // MARK: The first minute

    @Test func `of the first minute: it is alive, refreshes, shrinks as planned, and takes back`()
        throws
    {
        let terminal = try open("")
        let first = try terminal.wait("the demo's rows") {
            $0.contains("DEMO") && $0.contains("accounts   ")
        }
        try terminal.wait("moving rows", within: .seconds(3)) {
            $0.contains("accounts   ") && $0 != first
        }
        try terminal.wait("a full cache") { $0.contains("64/64") }
        try terminal.press("m")
        try terminal.wait(for: "maxsize of")
        try terminal.press("Escape", "a", "m")
        try terminal.wait(for: "maxsize of accounts, now 64:")
        try terminal.type("8")
        try terminal.press("Enter")
        let plan = try terminal.wait("the plan") {
            $0.contains("are evicted") && $0.contains("of accounts)")
        }
        let count = try #require(plan.firstMatch(of: /([0-9]+) entries \([^)]*\) are evicted/)?.1)
        #expect(plan.contains("type \(count) to confirm"))
        try terminal.type(String(count))
        try terminal.press("Enter")
        try terminal.wait("exactly those gone") { screen in
            screen.contains("8/8") && screen.contains("u undoes")
        }
        try terminal.press("u")
        let back = try terminal.wait(for: "Take back accounts maxsize 64")
        #expect(back.contains(/maxsize 8 (→|->) 64/) && back.contains("unless fetched again"))
        try terminal.press("Right", "Enter")
        try terminal.wait(for: "entries are there again")
        try terminal.wait("room as before") { $0.contains("/64") }
        // Credentials live for two minutes and more, and are refreshed by then.
        try terminal.press("a")
        try terminal.wait("a credential refreshing", within: .seconds(120)) {
            $0.contains("refreshing")
        }
        try terminal.press("q")
        #expect(try terminal.exitStatus() == 0)
    }

    // MARK: Every key

    /// What is pressed, and what is then on the screen. In this order, on nine entries.
    private static let keys: [(name: String, press: [String], seen: String)] = [
        ("j", ["j"], ">  100000000001"), ("Down", ["Down"], ">  100000000002"),
        ("k", ["k"], ">  100000000001"), ("Up", ["Up"], ">  100000000000"),
        ("PgDn", ["PPage", "NPage"], ">  100000000008"), ("PgUp", ["PPage"], ">  100000000000"),
        ("Ctrl-F", ["C-f"], ">  100000000008"), ("Ctrl-B", ["C-b"], ">  100000000000"),
        ("Ctrl-D", ["C-d"], ">  100000000005"), ("Ctrl-U", ["C-u"], ">  100000000000"),
        ("G", ["G"], ">  100000000008"), ("g", ["g"], ">  100000000000"),
        ("End", ["End"], ">  100000000008"), ("Home", ["Home"], ">  100000000000"),
        ("2", ["2"], "[2Expiry]"), ("l", ["l"], "bars, h l moves"),
        ("Right", ["Right"], "bars, h l moves"), ("h", ["h"], "Enter shows them"),
        ("Left", ["Left"], "Enter shows them"), ("3", ["3"], "[3Evictions]"),
        ("4", ["4"], "[4Events]"), ("1", ["1"], "[1Entries]"), ("e", ["e"], "[4Events]"),
        ("5", ["5"], "[5Config]"), ("6", ["6"], "[6Memory]"), ("7", ["7"], "[7Origins]"),
        ("8", ["8"], "[8What if]"), ("M", ["M"], "fetches a second, M"),
        ("9", ["9"], "[9Caches]"),
        ("q", ["q"], "[1Entries]"), ("Enter", ["Enter"], "ttl left"),
        ("Esc", ["Escape"], "9/9"), ("/", ["/"], "filter:"), ("", ["3", "Enter"], "1-1/1 of 9"),
        ("", ["Escape"], "1-9/9"), ("F4", ["F4"], "filter:"), ("", ["Escape"], "1-9/9"),
        ("F3", ["F3"], "search:"), ("", ["7", "Enter"], ">  100000000007"),
        ("", ["F3", "0", "0", "0", "Enter"], ">  100000000007"),
        ("n", ["n"], ">  100000000008"), ("N", ["N"], ">  100000000007"), ("", ["g"], "1-9/9"),
        ("!", ["!"], "trouble only"), ("", ["!"], "all rows"), ("s", ["s"], "Sort by"),
        ("", ["Escape"], "sort key"), ("F6", ["F6"], "Sort by"), ("", ["Escape"], "sort key"),
        (">", [">"], "sort ttl"), ("<", ["<"], "sort key"), ("I", ["I"], "sort key ▼"),
        ("", ["I"], "sort key ▲"), ("a", ["a"], "only accounts"), ("", ["a", "a"], "1-9/9"),
        ("F", ["F"], "following"), ("", ["F"], "follows no more"), ("c", ["c"], "[x] hits"),
        ("", ["Escape"], "sort key"), ("w", ["w"], "1-9/9"), ("", ["w"], "account_number"),
        ("r", ["r"], "sort key"), ("", ["r"], "sort key"), ("Space", ["g", "Space"], "1 marked"),
        ("V", ["V"], "V again marks"), ("", ["Down", "V"], "3 marked"),
        ("U", ["U"], "1-9/9        sort"),
        ("d", ["d"], "[ Cancel ]"), ("", ["Escape"], "1-9/9"), ("Del", ["DC"], "[ Cancel ]"),
        ("", ["Escape"], "1-9/9"), ("F9", ["F9"], "[ Cancel ]"), ("", ["Escape"], "1-9/9"),
        ("D", ["D"], "Invalidate 9 entries"), ("", ["Escape"], "1-9/9"),
        ("m", ["m"], "maxsize of accounts"),
        ("", ["Escape"], "1-9/9"), ("t", ["t"], "ttl of accounts"), ("", ["Escape"], "1-9/9"),
        ("u", ["u"], "nothing was changed here"), ("x", ["x"], "no change is under way"),
        ("f", ["f"], "fetch from accounts"), ("", ["Escape"], "1-9/9"),
        ("v", ["v"], "the same as at the origin"), ("Z", ["Z"], "FROZEN"), ("", ["Z"], "1-9/9"),
        ("[", ["["], "PAST"), ("]", ["]"], "1-9/9"), ("", ["Home"], "1-9/9"), ("{", ["{"], "PAST"),
        ("}", ["}", "}"], "FROZEN"), ("", ["Z"], "every 1s"), ("y", ["y"], "copied: 1000000000"),
        ("Y", ["Y"], "copied: {"), ("+", ["+"], "refresh every 2s"),
        ("-", ["-"], "refresh every 1s"), ("Ctrl-T", ["C-t"], "1-9/9"),
        ("o", ["o"], "no other engine"), ("Tab", ["Tab"], "only one engine"),
        ("Shift-Tab", ["BTab"], "only one engine"), (":", [":"], "a command by its name"),
        ("", ["Escape"], "1-9/9"), ("S", ["S"], "What looking costs"), ("", ["Escape"], "1-9/9"),
        ("?", ["?"], "Select the row below"), ("", ["Escape"], "1-9/9"),
        ("F1", ["F1"], "Select the row below"), ("", ["Escape"], "1-9/9"),
        ("Ctrl-L", ["C-l"], "1-9/9"), ("(", ["("], "PAST"),
        (")", [")"], "nothing of note is after this"),
        // Where these lead is tested by itself.
        ("Ctrl-Z", [], ""), ("Ctrl-C", ["C-c"], ""),
    ]

    @Test func `every key of the help does what it says`() throws {
        let path = "Sources/LarderConsole/LarderConsole.docc/Keys.md"
        let manual = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
        let listed = manual.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .flatMap { $0.matches(of: /`([^`]+)`/).map { String($0.1) } }
        #expect(Set(listed).subtracting(Self.keys.map(\.name)) == [], "without a test")
        let terminal = try open(
            "top --traffic 0 --latency 1ms --warm 9 --sort key --cache accounts:ttl=1h",
            environment: ["LARDER_STORE": folder.path + "/accounts.sqlite"])
        try terminal.wait("nine rows") { $0.contains("1-9/9") && $0.contains("account_number") }
        for key in Self.keys {
            for press in key.press { try terminal.press(press) }
            if !key.seen.isEmpty {
                try terminal.wait("\(key.name) \(key.press): \(key.seen)", within: .seconds(8)) {
                    $0.contains(key.seen)
                }
            }
        }
        #expect(try terminal.exitStatus() == 0)
    }

    // MARK: Rough hands

    @Test func `a storm of sizes, and what is pasted by mistake, leave it as it was`() throws {
        let terminal = try open(
            "top --traffic 20 --warm 9 --latency 1ms",
            environment: ["LARDER_STORE": folder.path + "/accounts.sqlite"])
        try terminal.wait(for: "100000000001")
        var random = Seeded(7)
        for _ in 0..<60 {
            try terminal.resize(
                .random(in: 1...500, using: &random), .random(in: 1...200, using: &random))
        }
        for garbage in ["\u{1b}[200~paste\u{1b}[201~", "\u{1b}[", "\u{1b}O", "\u{1b}[999;999R"] {
            try terminal.type(garbage)
            try terminal.press("Escape", "Escape", "Escape")
        }
        try terminal.type("\u{1b}[M   \u{ff}é帳\u{7f}")
        try terminal.press("Escape", "Escape", "Escape", "Escape", "1")
        try terminal.resize(80, 24)
        try terminal.wait("the table") {
            $0.contains("[1Entries]") && $0.contains("accounts   ") && $0.contains("Help")
        }
        try terminal.press("C-c")
        #expect(try terminal.exitStatus() == 0)
    }

    @Test func `the mouse selects and sorts where it is wanted`() throws {
        let terminal = try open(
            "top --mouse --traffic 0 --latency 1ms --warm 5 --sort key",
            environment: ["LARDER_STORE": folder.path + "/accounts.sqlite"])
        let screen = try terminal.wait(for: "100000000004")
        let row = try #require(
            screen.split(separator: "\n", omittingEmptySubsequences: false)
                .firstIndex { $0.contains("  100000000003") })
        // As xterm reports a press and a release.
        try terminal.type("\u{1b}[<0;6;\(row + 1)M\u{1b}[<0;6;\(row + 1)m")
        try terminal.wait(for: ">  100000000003")
        try terminal.type(":mouse off")
        try terminal.press("Enter", "q")
        #expect(try terminal.exitStatus() == 0)
    }
}
