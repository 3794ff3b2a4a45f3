import ArgumentParser
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

/// All that is said of the commands themselves.
@Suite struct `Help` {
    private static func all(
        _ command: any ParsableCommand.Type = LarderCommand.self
    ) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap { all($0) }
    }

    private static var pages: [(name: String, text: String)] {
        all().map { command in
            // In one line: where it is broken says nothing.
            let text = LarderCommand.helpMessage(for: command, columns: 10_000)
            return (command._commandName, text)
        }
    }

    @Test func `says each default once, and nothing twice in a row`() {
        #expect(Self.pages.count >= 19)
        for (name, text) in Self.pages {
            for line in text.split(separator: "\n") {
                #expect(line.matches(of: /\(default:/).count <= 1, "\(name): \(line)")
                #expect(
                    line.firstMatch(of: /(\b[A-Za-z-]{3,}\b[^A-Za-z]{1,2})\1/) == nil, "\(line)")
                #expect(line.firstMatch(of: /\b1 [a-z]+(es|ies)\b/) == nil, "\(line)")
            }
        }
    }

    /// A sentence goes on to the end of the line that there is room for.
    @Test func `breaks no sentence where there is room`() {
        for (name, text) in Self.pages {
            let lines = text.split(separator: "\n")
            for (line, next) in zip(lines, lines.dropFirst())
            where line.firstMatch(of: /[a-z,] ?$/) != nil && !line.hasPrefix("  ") {
                #expect(next.firstMatch(of: /^[a-z]/) == nil, "\(name): \(line)\n\(next)")
            }
        }
    }

    @Test func `of options behind no command is that of the console's`() {
        for words in [["--bogus"], ["--filter", "hits>"], ["--limit", "x"]] {
            let error = #expect(throws: (any Error).self) {
                try LarderCommand.parseAsRoot(Top.named(in: words))
            }
            let message = LarderCommand.fullMessage(for: error!)
            #expect(message.contains("larder top"), "\(message)")
        }
    }

    @Test func `names every measure that can be checked`() {
        let text = LarderCommand.helpMessage(for: Check.self, columns: 200)
        for measure in Measure.allCases {
            #expect(text.contains("--\(measure.rawValue) <"), "\(measure)")
            #expect(text.contains("\(measure.rawValue): \(measure.meaning)"), "\(measure)")
        }
    }

    /// Wrong command lines of every kind of value.
    private static let wrong: [[String]] = [
        ["entries", "--columns", "foo"], ["entries", "--columns", "ttl:desc"],
        ["entries", "--columns", ","], ["entries", "--sort", "foo"],
        ["entries", "--filter", "hits>"], ["events", "--filter", "("], ["serve", "--grace", "x"],
        ["top", "--refresh", "soon"], ["top", "--for", "x"], ["top", "--cache", "foo:maxsize=1"],
        ["top", "--cache", "accounts:ttl=soon"], ["top", "--latency", "x"], ["top", "--key", "a:"],
        ["top", "--bind", "x"], ["top", "--call-deadline", "1h"], ["top", "--tag", "x"],
        ["check", "--hit", "80"], ["check", "--warn", "hit"], ["check", "--critical", "x<1"],
        ["check", "--over", "x"], ["verify", "accounts", "--all", "--rate", "x"],
        ["invalidate", "accounts", "--all", "--spread", "x"], ["forecast", "--width", "x"],
        ["invalidate", "accounts", "--all", "--budget", "0"], ["set", "accounts", "ttl=soon"],
        ["set", "accounts", "maxsize=2", "--for", "x"], ["top", "--traffic", "-1"],
        ["set", "accounts", "maxsize=2", "--spread", "1s", "--budget", "1"],
        ["whatif", "accounts", "ttl=soon"], ["whatif", "accounts", "--window", "x"],
    ]

    @Test(arguments: wrong)
    func `of a wrong value names its option once, and what is accepted`(words: [String]) {
        let error = #expect(throws: (any Error).self) { try LarderCommand.parseAsRoot(words) }
        guard let error else { return }
        let message = LarderCommand.message(for: error)
        #expect(message.firstMatch(of: /'(--[a-z-]+)[^']*': \1/) == nil, "\(message)")
        #expect(message.firstMatch(of: /(--[a-z-]+: )\1/) == nil, "\(message)")
        #expect(LarderCommand.exitCode(for: error).rawValue == 64)
    }

    @Test func `of a column lists the right ones, and tells an order from it`() {
        func message(_ columns: String) -> String {
            let words = ["entries", "--columns", columns]
            let error = #expect(throws: (any Error).self) { try LarderCommand.parseAsRoot(words) }
            return error.map { LarderCommand.message(for: $0) } ?? ""
        }
        #expect(message("key,foo").contains("\"foo\" is no column; cache, key, ttl"))
        #expect(!message("foo").contains(":desc"))
        #expect(message("key,ttl:desc").contains("an order, which --sort takes; the column is ttl"))
        #expect(message("ttl:asc").contains("--sort"))
        #expect(message("ttl:up").contains("the column is ttl"))
    }

    @Test(
        arguments: [
            (["foo"], nil), (["entires"], "entries"), (["tpo"], "top"), (["stat"], "stats"),
            (["invalidates"], "invalidate"), (["chekc"], "check"), (["help", "ser"], "serve"),
            (["fetch", "acount"], "account"), (["fetch", "creds"], "credentials"), (["opne"], nil),
            (["open"], nil), (["help", "open"], nil),
        ] as [([String], String?)])
    func `of an unknown command says what may have been meant`(words: [String], meant: String?)
        throws
    {
        let problem = try #require(Suggestion.problem(with: words, in: LarderCommand.self))
        let kind = words.first == "help" ? "command or topic" : "command"
        #expect(problem.contains("there is no \(kind) \"\(words.last!)\""))
        #expect(meant.map { problem.contains("did you mean \"\($0)\"?") } ?? true, "\(problem)")
        let names = problem.split(separator: "here are ").last!
        #expect(!names.contains("open"), "\(problem)")
    }

    @Test(arguments: [
        [], ["top"], ["--once"], ["help"], ["help", "top"], ["--help"], ["fetch"],
        ["fetch", "sessions", "4711"],
        ["caches", "foo"],
        ["fetch", "account", "foo"], ["--generate-completion-script", "bash"], ["entries", "open"],
    ])
    func `of a known command says nothing`(words: [String]) {
        #expect(Suggestion.problem(with: words, in: LarderCommand.self) == nil)
    }

    @Test func `has something to say to whatever is typed`() {
        var random = Seeded(5)
        for _ in 0..<500 {
            let word = String(
                (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    "abeinorstl-é帳 ".randomElement(using: &random)!
                })
            _ = Suggestion.problem(with: [word], in: LarderCommand.self)
        }
    }
}
