import Foundation
import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderAWS

/// Programs that give credentials: what they get of this process, and what is told of them.
@Suite(.timeLimit(.minutes(1))) struct ProcessTests {
    private let folder = try! TemporaryFolder()

    /// A provider whose program is a script.
    private func provider(
        _ script: String, deadline: Duration = .seconds(30), terminal: String? = nil
    ) throws -> ProcessProvider {
        let path = folder.path + "/program"
        try ("#!/bin/sh\n" + script).write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o700)
        return ProcessProvider(
            command: Setting(value: path, file: "config", line: 2),
            environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""],
            clock: .system, deadline: deadline, terminal: { terminal })
    }

    /// What the script says on its standard error.
    private func said(_ script: String) async throws -> String {
        let provider = try provider("exec >&2\n\(script)\nexit 3\n")
        let error = try await failure { try await provider.credentials() }
        let begin = "config:2: credential_process failed (exit code 3): "
        #expect(error.description.hasPrefix(begin), "\(error)")
        return String(error.description.dropFirst(begin.count))
    }

    private static let keys =
        #"{"Version":1,"AccessKeyId":"AKIAPROGRAM","SecretAccessKey":"canary"}"#

    @Test func `no signal that this process ignores or blocks is ignored or blocked there`()
        async throws
    {
        let before = [SIGPIPE, SIGUSR1].map { ($0, signal($0, SIG_IGN)) }
        defer { for (number, action) in before { signal(number, action) } }
        let masks = try await said(
            "sed -n 's/^Sig\\(Ign\\|Blk\\):.//p' /proc/self/status | xargs"
        ).split(separator: " ").map { UInt64($0, radix: 16) }
        // The C library keeps the two behind 31 for itself.
        #expect(masks.count == 2 && masks.allSatisfy { $0.map { $0 & 0x7fff_ffff } == 0 })
        // A pipe ends what writes into it.
        #expect(try await said("(while :; do echo y; done; echo never) | head -n 1") == "y")
    }

    @Test func `no descriptor of this process is open there`() async throws {
        let own = open("/dev/null", O_RDONLY)
        defer { close(own) }
        let there = try await said(
            "for d in /proc/$$/fd/*; do echo ${d##*/}; done | sort -n | xargs")
        // The shell itself may keep its script open, above these.
        #expect(there.split(separator: " ").prefix(3) == ["0", "1", "2"])
        #expect(!there.split(separator: " ").contains { Int($0) == Int(own) && own != 10 })
        #expect(try await said("readlink /proc/self/fd/0") == "/dev/null")
    }

    @Test func `where nobody may be asked, it finds no terminal and no standard input`()
        async throws
    {
        #expect(
            try await said("(exec 3</dev/tty) 2>/dev/null && echo a terminal || echo none")
                == "none")
        #expect(
            try await said("read answer && echo $answer || echo nothing to read")
                == "nothing to read")
    }

    @Test func `what it says is told when its time is over, and whoever it started is ended`()
        async throws
    {
        let provider = try provider(
            "echo waiting for your approval >&2\nsleep 1000 & echo $! > \(folder.path)/child\nwait\n",
            deadline: .milliseconds(500))
        let error = try await failure { try await provider.credentials() }
        #expect(
            error.description
                == "config:2: credential_process did not end within 500ms: waiting for your approval"
        )
        let child = try String(contentsOfFile: folder.path + "/child", encoding: .utf8)
        let pid = try #require(Int32(child.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(await settles { Self.isGone(pid) })
    }

    /// Ended, though nobody may have waited for it yet.
    private static func isGone(_ pid: Int32) -> Bool {
        let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return status.map { $0.contains(") Z ") } ?? true
    }

    @Test func `at a terminal it asks, its question is seen, and the answer gets there`()
        async throws
    {
        let terminal = try PseudoTerminal()
        let provider = try provider(
            "printf 'Code of the device: ' >&2\nread code\n[ \"$code\" = 123456 ] || exit 9\n"
                + "echo '\(Self.keys)'\n", terminal: terminal.path)
        let asking = Task { try await provider.credentials() }
        #expect(await settles { terminal.output.contains("Code of the device: ") })
        terminal.type("123456\n")
        #expect(try await asking.value.accessKeyID == "AKIAPROGRAM")
    }

    @Test func `a program has the environment's secrets, though nobody else has them any more`()
        async throws
    {
        _ = try provider(
            "echo '{\"Version\":1,\"AccessKeyId\":\"AKIAPROGRAM\",\"SecretAccessKey\":\"s\","
                + "\"SessionToken\":\"'$AWS_SESSION_TOKEN'\"}'\n")
        try "[profile p]\ncredential_process = \(folder.path)/program\n".write(
            toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        let configuration = try AWSConfiguration(
            [
                "AWS_CONFIG_FILE": folder.path + "/config",
                "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_REGION": "us-east-1",
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            ], secrets: ["AWS_SESSION_TOKEN": Secret("token-of-the-caller")], profile: "p")
        let (client, _) = try await configuration.client()
        let keys = try await client.signer()
        await client.shutdown()
        #expect(keys.sessionToken?.reveal() == "token-of-the-caller")
    }

    @Test func `twenty look-ups of keys with four minutes left start one program`() async throws {
        let end = Date(timeIntervalSinceNow: 240).formatted(.iso8601)
        let count = folder.path + "/count"
        _ = try provider(
            "echo x >> \(count)\necho '"
                + Self.keys.dropLast() + ",\"Expiration\":\"\(end)\"}'\n")
        try "[default]\ncredential_process = \(folder.path)/program\n".write(
            toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        let configuration = try AWSConfiguration([
            "AWS_CONFIG_FILE": folder.path + "/config", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
            "AWS_REGION": "us-east-1", "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
        ])
        let (client, _) = try await configuration.client()
        for _ in 0..<20 { #expect(try await client.signer().accessKeyID == "AKIAPROGRAM") }
        await client.shutdown()
        #expect(try String(contentsOfFile: count, encoding: .utf8) == "x\n")
    }
}
