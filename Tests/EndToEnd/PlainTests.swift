import Foundation
import TestSupport
import Testing

/// The console in lines: without a terminal, as a screen reader's user has it.
@Suite(.timeLimit(.minutes(5))) struct `The console in lines` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Says the lines once four entries are there.
    private func say(_ lines: String...) throws -> Ran {
        try run(
            [
                "sh", "-c",
                """
                heard=$(mktemp -p \(folder.path))
                {
                    until grep -q '4 of 4 entries' "$heard"; do echo entries; sleep 0.7; done
                    cat
                } | \(larder) top --plain --traffic 0 --latency 1ms --warm 4 > "$heard"
                status=$?
                cat "$heard"
                exit $status
                """,
            ],
            environment: [
                "LARDER_STORE": folder.path + "/accounts.sqlite", "XDG_STATE_HOME": folder.path,
                "LC_ALL": "C.UTF-8",
            ], input: lines.map { $0 + "\n" }.joined())
    }

    @Test func `greets, lists, and ends with what is typed`() throws {
        let ran = try say("help")
        #expect(ran.status == 0, "\(ran.errors)")
        let lines = ran.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("DEMO of invented accounts: larder, engine demo") == true)
        #expect(ran.output.contains("4 of 4 entries\n1 100000000000, accounts, ttl 4"))
        #expect(lines.contains("ttl DURATION|none|off: Change ttl of the cache: plan"))
        #expect(!ran.output.contains("\u{1b}"))
        // It has no look that a screen could take over.
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/larder/console.json"))
    }

    @Test func `asks before it changes anything, and says what came of it`() throws {
        let cancelled = try say("maxsize 2", "0", "entries")
        #expect(
            cancelled.output.contains("Change accounts\nmaxsize 64 -> 2 entries\n2 entries ("))
        #expect(cancelled.output.contains("0 cancels, 1 does it"))
        #expect(cancelled.output.contains(/0 cancels[^~]*4 of 4 entries/))
        let done = try say("maxsize 2", "r too many", "1", "entries", "undo", "1", "entries")
        #expect(
            done.output.contains("done: accounts maxsize 64 -> 2 entries, 2 entries removed"),
            "\(done.output)")
        #expect(done.output.contains("2 of 2 entries"))
        #expect(
            done.output.contains(/2 entries are there again[^~]*4 of 4 entries/), "\(done.output)")
    }

    @Test func `shows an entry by its number, every view by its name, and refuses the rest`() throws
    {
        let ran = try say("2", "config", "memory", "origins", "filter hits>", "nonsense")
        #expect(ran.output.contains("account_number 100000000001"), "\(ran.output)")
        #expect(ran.output.contains("maxsize") && ran.output.contains("LARGEST ENTRIES"))
        #expect(ran.output.contains("FETCHES"))
        #expect(ran.output.contains("there is no command \"nonsense\""))
    }

    @Test func `is what a dumb terminal gets`() throws {
        let terminal = try Terminal(
            "\(larder) top --traffic 0 --latency 1ms --warm 2", term: "dumb",
            environment: ["LARDER_STORE": folder.path + "/accounts.sqlite"])
        try terminal.wait(for: "type a command")
        try terminal.type("entries")
        try terminal.press("Enter")
        try terminal.wait(for: "2 of 2 entries")
        try terminal.type("quit")
        try terminal.press("Enter")
        #expect(try terminal.exitStatus() == 0)
    }
}
