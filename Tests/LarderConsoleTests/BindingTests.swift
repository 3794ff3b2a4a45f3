import Foundation
import Testing

@testable import LarderConsole

@Suite struct `The bindings` {
    @Test func `give every key one meaning and every action a key`() {
        let keys = KeyBindings().all.flatMap(\.keys)
        #expect(Set(keys).count == keys.count)
        #expect(KeyBindings().all.allSatisfy { !$0.help.isEmpty && $0.help.count <= 60 })
    }

    @Test func `stand in help, all of them, on a screen tall enough`() {
        var model = model(110, 130)
        _ = press(&model, .char("?"))
        let text = render(model).text.joined(separator: "\n")
        for binding in KeyBindings().all {
            #expect(
                text.contains(binding.names) && text.contains(binding.help.prefix(56)),
                "\(binding.names): \(binding.help)")
        }
        for group in Group.allCases { #expect(text.contains("│ \(group.rawValue)  ")) }
        for command in Command.own {
            #expect(
                text.contains("\(command.name) \(command.takes)") && text.contains(command.help))
        }
        #expect(text.contains("more than 10 entries") && text.contains("typing how many"))
    }

    @Test func `say what they do by a verb`() {
        let verbs: Set = [
            "Select", "Go", "Open", "Follow", "Show", "Choose", "Search", "Sort", "Turn", "Mark",
            "Unmark", "Invalidate", "Change", "Take", "Stop", "Fetch", "Compare", "Copy", "Freeze",
            "Refresh", "Type", "Quit", "Suspend", "Draw", "Write", "Set", "Use",
        ]
        let helps = KeyBindings().all.map(\.help) + Command.own.map(\.help)
        for help in helps {
            #expect(verbs.contains(String(help.prefix(while: \.isLetter))), "\(help)")
        }
    }

    @Test func `can be scrolled to the last on a small screen, and any other key closes help`() {
        var model = model(80, 12)
        _ = press(&model, .char("?"))
        #expect(!render(model).text.joined().contains(Command.own.last!.help))
        _ = press(&model, .char("G"))
        #expect(render(model).text.joined().contains(Command.own.last!.help.prefix(40)))
        _ = press(&model, .char("x"))
        #expect(model.overlay == nil)
    }

    @Test func `are the ones that the manual lists`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = "Sources/LarderConsole/LarderConsole.docc/Keys.md"
        let manual = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        let listed = manual.split(separator: "\n").map(String.init).filter {
            $0.hasPrefix("| `") || $0.hasPrefix("| **")
        }
        let expected = Group.allCases.flatMap { group in
            ["| **\(group.rawValue)** | |"]
                + KeyBindings().all.filter { $0.group == group }.map { binding in
                    let keys = binding.keys.map { "`\($0.name)`" }.joined(separator: " ")
                    return "| \(keys) | \(binding.help) |"
                }
        }
        #expect(listed == expected)
        let words = manual.replacing("\n", with: " ")
        #expect(words.contains("removes \(Confirmation.words) is confirmed by typing"))
    }
}

extension Model.Overlay? {
    static func == (overlay: Model.Overlay?, _: _OptionalNilComparisonType) -> Bool {
        if case .none = overlay { true } else { false }
    }
}
