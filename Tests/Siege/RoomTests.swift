import Foundation
import TestSupport
import Testing

/// Commands that may open, start or take hardly anything: a sentence and a status, and no trap.
@Suite(.timeLimit(.minutes(5))) struct `Hardly any room` {
    private static let commands = [
        "--help", "caches", "events", "fetch account 100000000001", "top --once --for 0s",
        "set accounts ttl=70s --yes", "serve --name other --read-only",
    ]

    @Test(arguments: some([24, 16, 12, 9, 7, 4], oneIn: 3, place: "descriptors"))
    func `of descriptors is a sentence`(limit: Int) throws {
        let engine = try Besieged("--warm 1")
        for command in Self.commands { try check(command, "ulimit -n \(limit)", engine) }
        #expect(engine.runs)
    }

    @Test(arguments: some([500_000, 350_000, 310_000, 280_000], oneIn: 2, place: "addresses"))
    func `of addresses is a sentence`(limit: Int) throws {
        let engine = try Besieged("--warm 1")
        for command in Self.commands { try check(command, "ulimit -v \(limit)", engine) }
        #expect(engine.runs)
    }

    /// Root may start as many as it likes.
    @Test(
        .enabled(if: geteuid() == 0), arguments: some([4, 8, 12, 16], oneIn: 2, place: "threads"))
    func `of threads is a sentence`(limit: Int) throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o777)
        let user = Int.random(in: 20_000..<60_000)
        let words = "env HOME='\(folder.path)' XDG_RUNTIME_DIR='\(folder.path)' '\(larder)'"
        for command in ["--help", "caches", "top --once --for 0s --traffic 0"] {
            let ran = try run([
                "setpriv", "--reuid", "\(user)", "--clear-groups", "/bin/sh", "-c",
                "ulimit -u \(limit); exec timeout --preserve-status 20 \(words) \(command)",
            ])
            #expect([0, 1, 69].contains(ran.status), "\(limit): \(command): \(ran)")
            #expect(ran.status == 0 || !ran.errors.isEmpty, "\(limit): \(command): \(ran)")
        }
    }

    private func check(_ command: String, _ limit: String, _ engine: Besieged) throws {
        // An engine that has room listens until it is told to end.
        let ran = try engine.shell(
            "\(limit); exec timeout --preserve-status 3 \"$larder\" \(command)")
        #expect([0, 1, 69].contains(ran.status), "\(limit): \(command): \(ran)")
        #expect(ran.status == 0 || !ran.errors.isEmpty, "\(limit): \(command): \(ran)")
    }
}
