import Foundation
import TestSupport
import Testing

/// A file of changes on a disk that is full, for the whole of it or in the middle of a line.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `An audit file` {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/audit.jsonl" }

    init() throws { folder = try TemporaryFolder() }

    /// The lines of a file, each of which has to be whole.
    private func lines(_ path: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
    }

    private func whats(_ path: String) throws -> [String] {
        try lines(path).map { $0["what"] as? String ?? "" }
    }

    /// An engine none of whose files may grow beyond 256 KiB, and a file with room for half a line.
    private func cramped(_ options: String = "") throws -> Besieged {
        let line = #"{"what":"before"}"# + "\n"
        let size = 256 * 1024 - 100
        var text = String(repeating: line, count: size / line.utf8.count - 1)
        text += String(repeating: " ", count: size - text.utf8.count - line.utf8.count) + line
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o600)
        return try Besieged(
            "--warm 5 --audit '\(path)' \(options)", shell: "ulimit -f 512;")
    }

    /// Puts the file away as logrotate does, and has the engine open a new one.
    private func rotate(_ engine: Besieged) throws {
        #expect(rename(path, path + ".1") == 0)
        engine.signal(SIGHUP)
        #expect(eventually { engine.errors.contains("settings read again") })
    }

    @Test
    func `that is full holds whole lines, whoever makes a change is told, and the gap stands`()
        throws
    {
        let engine = try cramped()
        #expect(
            try eventually { try engine.larder("entry", "accounts", "100000000004").status == 0 })
        let before = try Data(contentsOf: URL(filePath: path))
        let done = try engine.larder("invalidate", "accounts", "100000000001", "--yes")
        #expect(done.status == 0 && done.output.contains("done: 1 removed"))
        #expect(
            done.errors.contains("warning: the change was made and is not in the audit file"),
            "\(done.errors)")
        let json = try engine.larder(
            "invalidate", "accounts", "100000000002", "--yes", "--format", "json")
        #expect(json.output.contains(#""warning" : "the change was made and is not"#))
        let plan = try #require(json.output.firstMatch(of: /"plan" : "([0-9a-f]+)"/)?.1)
        let back = try engine.larder("undo", String(plan), "--yes")
        #expect(back.status == 0 && back.errors.contains("warning: the change was made"))
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(engine.runs && engine.errors.contains("is not in the audit file"))
        try rotate(engine)
        #expect(
            try engine.larder("invalidate", "accounts", "100000000003", "--yes").errors.isEmpty
                == false)
        #expect(try whats(path) == ["gap", "applied"])
        let gap = try #require(try lines(path).first)
        #expect(gap["lost"] as? Int == 3)
        #expect((gap["since"] as? String)?.hasSuffix("Z") == true)
        #expect((gap["why"] as? String)?.contains("file too large") == true, "\(gap)")
    }

    @Test func `that is required and full has nothing changed, and an intent before each change`()
        throws
    {
        let engine = try cramped("--audit-required")
        #expect(
            try eventually { try engine.larder("entry", "accounts", "100000000004").status == 0 })
        let before = try Data(contentsOf: URL(filePath: path))
        for words in [
            ["invalidate", "accounts", "100000000001", "--yes"],
            ["set", "accounts", "maxsize=2", "--yes"],
        ] {
            let ran = try run([larder] + words, environment: engine.environment)
            #expect(ran.status == 1 && !ran.output.contains("done"), "\(ran)")
            #expect(ran.errors.contains("nothing was changed: the audit file"), "\(ran.errors)")
            #expect(ran.errors.contains("--audit-required"))
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(try engine.larder("entry", "accounts", "100000000001").status == 0)
        #expect(try engine.larder("changes").output.split(separator: "\n").count == 1)
        try rotate(engine)
        let json = try engine.larder(
            "invalidate", "accounts", "100000000001", "--yes", "--format", "json")
        #expect(json.status == 0 && !json.output.contains("warning"))
        let plan = try #require(json.output.firstMatch(of: /"plan" : "([0-9a-f]+)"/)?.1)
        #expect(try engine.larder("undo", String(plan), "--yes").status == 0)
        #expect(try whats(path) == ["applying", "applied", "undoing", "undone"])
        #expect(try lines(path).allSatisfy { $0["plan"] as? String == String(plan) })
    }

    @Test func `that a crash cut goes on with a line of its own, which says so`() throws {
        try "{\"what\":\"applied\"}\n{\"what\":\"appl".write(
            toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o600)
        let engine = try Besieged("--warm 2 --audit '\(path)'")
        let mended = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(mended.count == 3 && mended[1] == "{\"what\":\"appl")
        #expect(mended[2].contains(#""lost":1"#) && mended[2].contains(#""what":"gap""#))
        // Emptied where it stands, as copytruncate does, or removed: the next line is whole.
        #expect(truncate(path, 0) == 0)
        _ = try engine.larder("set", "accounts", "maxsize=9", "--yes")
        #expect(try whats(path) == ["applied"])
        #expect(unlink(path) == 0)
        _ = try engine.larder("set", "accounts", "maxsize=8", "--yes")
        #expect(try whats(path) == ["applied"])
    }

    @Test func `steers no terminal that it is shown on`() throws {
        let engine = try Besieged("--audit '\(path)'")
        _ = try engine.larder(
            "set", "accounts", "maxsize=9", "--yes", "--reason", "a\u{1b}[2J\u{9b}\u{202e}b\nc")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(
            !text.unicodeScalars.contains { "\u{1b}\u{9b}\u{202e}".unicodeScalars.contains($0) })
        let by = try lines(path).first?["by"] as? [String: Any]
        #expect(by?["reason"] as? String == "a\u{1b}[2J\u{9b}\u{202e}b\nc")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make a small disk"))
    func `on a disk without room says what was lost as soon as there is some`() throws {
        let disk = folder.path + "/disk"
        mkdir(disk, 0o700)
        let mounted = try run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk])
        // Not everybody who is root may mount.
        guard mounted.status == 0 else { return }
        defer { _ = try? run(["umount", "-l", disk]) }
        let file = disk + "/audit.jsonl"
        let engine = try Besieged("--warm 5 --audit '\(file)'")
        #expect(
            try eventually { try engine.larder("entry", "accounts", "100000000004").status == 0 })
        _ = try engine.larder("set", "accounts", "maxsize=60", "--yes")
        _ = try engine.shell("cat /dev/zero >'\(disk)/filler' 2>/dev/null")
        // A line goes on into what is left of its last page: in the end one is cut.
        var warnings = 0
        for round in 0..<40 where warnings < 2 {
            let ran = try engine.larder("set", "accounts", "maxsize=\(10 + round)", "--yes")
            #expect(ran.status == 0)
            if ran.errors.contains("no space left on device") { warnings += 1 }
        }
        #expect(warnings == 2)
        #expect(try !whats(file).contains("gap"))
        #expect(unlink(disk + "/filler") == 0)
        _ = try engine.larder("set", "accounts", "maxsize=61", "--yes")
        #expect(try whats(file).suffix(2) == ["gap", "applied"])
        #expect(try lines(file).suffix(2).first?["lost"] as? Int == 2)
    }
}
