import Foundation
import TestSupport
import Testing

/// Two programs: an engine that serves, and those who look into it and change it.
@Suite(.timeLimit(.minutes(5))) struct `A running engine` {
    private let folder: TemporaryFolder
    private var environment: [String: String] {
        [
            "XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": folder.path + "/accounts.sqlite",
            "NO_PROXY": "*",
        ]
    }

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    /// An engine in a terminal of its own, up.
    private func serve(_ options: String = "", name: String = "demo") throws -> Terminal {
        try program("\(TestSupport.larder) serve --latency 1ms --name \(name) \(options)", name)
    }

    private func program(_ command: String, _ name: String) throws -> Terminal {
        let terminal = try Terminal("exec \(command)", columns: 200, environment: environment)
        try terminal.wait(for: "\(name).sock")
        return terminal
    }

    private func larder(_ arguments: String...) throws -> Ran {
        var environment = environment
        environment["LARDER_STORE"] = nil
        return try run([TestSupport.larder] + arguments, environment: environment)
    }

    private func rows(_ ran: Ran) -> [[String]] {
        ran.output.split(separator: "\n").dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func `what was fetched is listed, the least recently used having gone`() throws {
        let engine = try serve("--cache accounts:maxsize=3,ttl=none")
        defer { _ = engine }
        let numbers = (0..<4).map { "10000000000\($0)" }
        for place in [0, 1, 2, 0, 3] {
            let ran = try larder("fetch", "account", numbers[place])
            #expect(ran.status == 0, "\(ran.errors)")
            #expect(ran.output.contains(numbers[place]))
        }
        let hit = try larder("fetch", "account", numbers[3], "--format", "csv")
        #expect(hit.errors.contains(/demo: hit, age [0-9]s/), "\(hit.errors)")
        #expect(hit.output.hasPrefix("field,value\naccount_number,\(numbers[3])\n"))
        let listed = try larder("entries", "accounts", "--sort", "key", "--format", "csv")
        #expect(rows(listed).map { $0[1] } == [numbers[0], numbers[2], numbers[3]])
        let stats = try larder("stats", "--format", "csv")
        #expect(rows(stats).first?.prefix(3) == ["accounts", "2", "4"])
    }

    @Test func `an entry goes by name, with a reason, and what changed since stays`() throws {
        let engine = try serve("--warm 5")
        defer { _ = engine }
        #expect(
            try eventually { rows(try larder("entries", "accounts", "--format", "csv")).count == 5 }
        )
        let dry = try larder("invalidate", "accounts", "100000000001", "--dry-run")
        #expect(dry.output.contains("plan: 1 entry, "))
        let unasked = try larder("invalidate", "accounts", "100000000001")
        #expect(unasked.status == 1 && unasked.errors.contains("nothing was changed"))
        #expect(rows(try larder("entries", "accounts", "--format", "csv")).count == 5)
        let done = try larder(
            "invalidate", "accounts", "100000000001", "--yes", "--reason", "because")
        #expect(done.status == 0 && done.output.contains("done: 1 removed"))
        #expect(rows(try larder("entries", "accounts", "--format", "csv")).count == 4)
        let events = try larder("events", "accounts").output
        #expect(events.contains("invalidated  100000000001") && events.contains(": because"))
        let bounds = try larder("set", "accounts", "maxsize=2", "ttl=10m", "--yes")
        #expect(
            bounds.output.contains(
                "done: accounts: maxsize 64 -> 2 entries, ttl 45s -> 10m; 2 removed"),
            "\(bounds)")
        let caches = rows(try larder("caches", "--format", "csv"))
        #expect(caches.first?.prefix(4) == ["accounts", "2", "2", "600"])
        let wrong = try larder("set", "accounts", "ttl=soon")
        #expect(wrong.status == 64 && wrong.errors.contains("write it like 300s"))
    }

    @Test func `what lived for its ttl is gone just after it, as expired`() throws {
        let engine = try serve("--cache accounts:ttl=2s")
        defer { _ = engine }
        _ = try larder("fetch", "account", "100000000001")
        #expect(rows(try larder("entries", "accounts", "--format", "csv")).count == 1)
        // The engine itself says how long it lived.
        #expect(
            try eventually {
                rows(try larder("entries", "accounts", "--format", "csv")).isEmpty
            })
        let expired = try larder("events", "accounts", "--filter", "state=expired").output
        #expect(expired.contains(/expired  100000000001  version 1, [23]s old/), "\(expired)")
    }

    @Test func `a plan whose entry was written anew meanwhile leaves it alone and says so`() throws
    {
        let engine = try serve("--warm 2")
        defer { _ = engine }
        #expect(
            try eventually { rows(try larder("entries", "accounts", "--format", "csv")).count == 2 }
        )
        // Asked at a terminal, and answered only when the entry is another.
        let asking = try Terminal(
            "unset LARDER_STORE; \(TestSupport.larder) invalidate accounts 100000000001",
            environment: ["XDG_RUNTIME_DIR": folder.path])
        try asking.wait(for: "do it? [y/N]")
        _ = try larder("invalidate", "accounts", "100000000001", "--yes")
        _ = try larder("fetch", "account", "100000000001")
        try asking.type("y")
        try asking.press("Enter")
        try asking.wait(for: "left alone: 100000000001, now version 3")
        try asking.wait(for: "done: 0 removed")
        #expect(rows(try larder("entries", "accounts", "--format", "csv")).count == 2)
    }

    @Test func `with several engines nothing is guessed, and with none that is said`() throws {
        #expect(try larder("caches").status == 69)
        let engines = [try serve(name: "one"), try serve(name: "two")]
        defer { _ = engines }
        let ran = try larder("invalidate", "accounts", "--all", "--yes")
        #expect(ran.status == 64)
        #expect(ran.errors.contains("  one  /") && ran.errors.contains("  two  /"))
        #expect(try larder("caches", "--target", "two").status == 0)
        #expect(try larder("caches", "--target", "three").status == 69)
        let all = try larder("caches", "--target", "all", "--format", "csv")
        let lines = all.output.split(separator: "\n").map(String.init)
        #expect(lines[0].hasPrefix("engine,cache,entries"))
        #expect(
            lines.dropFirst().map { $0.prefix(12) } == [
                "one,accounts", "one,credenti",
                "two,accounts", "two,credenti",
            ])
        let json = try larder(
            "invalidate", "accounts", "--all", "--target", "all", "--yes",
            "--format", "json")
        #expect(json.output.matches(of: /"engine" : "(one|two)", "result" : \{/).count == 2)
        #expect(try larder("fetch", "account", "100000000001").status == 64)
        let second = try run(
            [TestSupport.larder, "serve", "--name", "one"], environment: environment)
        #expect(second.status == 1 && second.errors.contains("is running already"))
        #expect(try larder("caches", "--target", "one").status == 0)
    }

    @Test func `the console keeps what it saw of a killed engine, and finds it again`() throws {
        var engine: Terminal? = try serve("--warm 3")
        let console = try Terminal(
            "unset LARDER_STORE; \(TestSupport.larder)",
            environment: ["XDG_RUNTIME_DIR": folder.path])
        try console.wait(for: "100000000002")
        kill(try engine!.pid(), SIGKILL)
        try console.wait("a lost engine, its rows kept") {
            $0.contains("LOST") && $0.contains("100000000002")
        }
        engine = nil
        engine = try serve("--warm 2")
        try console.wait("the new engine's rows") {
            !$0.contains("LOST") && $0.contains("100000000001") && !$0.contains("100000000002  ")
        }
        try console.wait(for: "the engine was started anew")
        try console.press("q")
        #expect(try console.exitStatus() == 0)
        _ = engine
    }

    @Test(.enabled(if: geteuid() == 0, "only root can be another user"))
    func `root's own command gets in, and with a group its members', and no other`() throws {
        // Nobody, in a place of its own that others can pass through.
        let place = "/run/larder-test-\(getpid())"
        mkdir(place, 0o755)
        chown(place, 65534, 12_345)
        chmod(folder.path, 0o755)
        defer { try? FileManager.default.removeItem(atPath: place) }
        func asUser(_ uid: Int, _ gid: Int) -> String {
            "setpriv --reuid=\(uid) --regid=\(gid) --clear-groups"
        }
        let engine = try Terminal(
            "exec \(asUser(65534, 12_345)) \(TestSupport.larder) serve --latency 1ms "
                + "--allow-gid 12345", columns: 200,
            environment: ["XDG_RUNTIME_DIR": place, "LARDER_STORE": place + "/a.sqlite"])
        try engine.wait(for: "demo.sock")
        let socket = place + "/larder/demo.sock"
        func caches(_ user: String) throws -> Ran {
            try run(
                ["sh", "-c", "\(user) \(TestSupport.larder) caches --target \(socket)"],
                environment: ["XDG_RUNTIME_DIR": folder.path])
        }
        #expect(try caches("").status == 0)
        chown(place, 0, 0)
        #expect(try caches(asUser(1001, 12_345)).output.contains("credentials"))
        #expect(try caches(asUser(1001, 54_321)).status == 69)
    }

    @Test func `a clean stop takes the socket away`() throws {
        let engine = try serve()
        kill(try engine.pid(), SIGTERM)
        #expect(
            eventually {
                !FileManager.default.fileExists(atPath: folder.path + "/larder/demo.sock")
            })
    }

    @Test(arguments: ["events --follow", "attach demo --plain"])
    func `whoever writes to a reader that has gone ends, and does not crash`(words: String) throws {
        let engine = try serve("--traffic 50")
        defer { _ = engine }
        let command = "sleep 5 | timeout 20 \(TestSupport.larder) \(words)"
        let ran = try run(
            ["bash", "-c", "\(command) | head -n 1; echo ${PIPESTATUS[1]}"],
            environment: ["XDG_RUNTIME_DIR": folder.path, "XDG_STATE_HOME": folder.path])
        let lines = ran.output.split(separator: "\n")
        #expect(lines.count == 2 && ["0", "141"].contains(lines.last), "\(ran)")
    }

    @Test(arguments: [("", false), ("nohup", true)])
    func `an engine ends with its terminal, unless it is told not to`(how: String, stays: Bool)
        throws
    {
        let socket = folder.path + "/larder/demo.sock"
        var terminal: Terminal? = try Terminal(
            "cd \(folder.path); exec \(how) \(TestSupport.larder) serve", environment: environment)
        #expect(eventually { FileManager.default.fileExists(atPath: socket) })
        let engine = try terminal!.pid()
        terminal = nil
        if stays {
            kill(engine, SIGHUP)
            #expect(
                eventually {
                    (try? String(contentsOfFile: folder.path + "/nohup.out", encoding: .utf8))?
                        .contains("settings read again") == true
                })
            #expect(try larder("caches").status == 0)
            kill(engine, SIGTERM)
        }
        #expect(eventually { !FileManager.default.fileExists(atPath: socket) })
    }

    @Test func `a service of somebody else's is found, shown and changed`() throws {
        let greeter = URL(filePath: TestSupport.larder).deletingLastPathComponent()
            .appending(path: "Greeter").path
        let service = try program(greeter, "greeter")
        defer { _ = service }
        let listed = try larder("entries", "--sort", "key", "--format", "csv")
        #expect(rows(listed).map { $0[1] } == ["ann", "bob"])
        #expect(try larder("entry", "greetings", "ann").output.contains("hello, ann"))
        #expect(try larder("invalidate", "greetings", "ann", "--yes").status == 0)
        #expect(rows(try larder("entries", "--format", "csv")).map { $0[1] } == ["bob"])
    }

    // MARK: Settings

    @Test func `a file's bounds hold, are read again on SIGHUP, and a wrong file changes nothing`()
        throws
    {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/larder-config/larder", withIntermediateDirectories: true)
        let file = folder.path + "/larder-config/larder/config.yaml"
        func say(_ maxsize: String) throws {
            try "warm: 9\ncaches:\n  accounts: {maxsize: \(maxsize), ttl: 60s}\n".write(
                toFile: file, atomically: true, encoding: .utf8)
        }
        func maxsize() throws -> String {
            rows(try larder("caches", "--format", "csv")).first.map { "\($0[1]) of \($0[2])" } ?? ""
        }
        try say("8")
        let engine = try program(
            "env XDG_CONFIG_HOME=\(folder.path)/larder-config \(TestSupport.larder) serve "
                + "--latency 1ms", "demo")
        #expect(try eventually { try maxsize() == "8 of 8" })
        #expect(try larder("set", "accounts", "ttl=90s", "--yes").status == 0)
        try say("5")
        kill(try engine.pid(), SIGHUP)
        #expect(try eventually { try maxsize() == "5 of 5" })
        #expect(rows(try larder("caches", "--format", "csv")).first?[3] == "90")
        try say("many")
        kill(try engine.pid(), SIGHUP)
        try engine.wait("the error with its place") {
            $0.replacing("\n", with: "").contains("config.yaml:3:23: \"many\" is not a maxsize")
        }
        #expect(try maxsize() == "5 of 5")
        #expect(try larder("changes").output.contains("settings were read again"))
    }

    @Test
    func `keys that a tool writes anew sign the next request, and SIGHUP tells of wrong ones`()
        throws
    {
        let item = #"{"Item":{"id":{"S":"1"}}}"#
        let upstream = try Upstream(
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(item.utf8.count)\r\n\r\n\(item)"))
        defer { upstream.stop() }
        let file = folder.path + "/credentials"
        func write(_ id: String) throws {
            try "[default]\naws_access_key_id = \(id)\naws_secret_access_key = s\n".write(
                toFile: file, atomically: false, encoding: .utf8)
        }
        func signer(of key: String) throws -> String {
            let ran = try larder("fetch", "account", key)
            #expect(ran.status == 0, "\(ran.errors)")
            let head = upstream.requests.last?.head ?? ""
            return head.firstMatch(of: /Credential=([A-Z]+)/).map { String($0.output.1) } ?? ""
        }
        try write("AKIAFIRST")
        let engine = try program(
            "env -u AWS_ACCESS_KEY_ID -u AWS_PROFILE AWS_SHARED_CREDENTIALS_FILE=\(file) "
                + "AWS_CONFIG_FILE=/dev/null AWS_REGION=us-east-1 \(TestSupport.larder) serve "
                + "--table t --key id --endpoint-url \(upstream.endpoint)", "t")
        #expect(try signer(of: "1") == "AKIAFIRST")
        try "[default]\naws_access_key_id = AKIAHALF\n".write(
            toFile: file, atomically: false, encoding: .utf8)
        kill(try engine.pid(), SIGHUP)
        try engine.wait("the error with its place") {
            $0.replacing("\n", with: "").contains("credentials:2: aws_access_key_id stands without")
        }
        #expect(try signer(of: "2") == "AKIAFIRST")
        try write("AKIASECOND")
        #expect(try signer(of: "3") == "AKIASECOND")
    }

    @Test func `each change is a line of the audit file, whoever makes it and however it ends`()
        throws
    {
        let audit = folder.path + "/audit.jsonl"
        let engine = try serve("--warm 4 --audit \(audit)")
        defer { _ = engine }
        #expect(
            try eventually { rows(try larder("entries", "accounts", "--format", "csv")).count == 4 }
        )
        _ = try larder(
            "invalidate", "accounts", "100000000001", "--yes", "--reason", "moved \"away\"")
        let plan = try #require(
            try larder("changes", "--format", "csv").output.matches(
                of: /applied,[^,]*,?[^,]*,([0-9a-f]+),/
            ).first?.1)
        #expect(
            try larder("undo", String(plan), "--yes").output.hasSuffix("undone: 1 entry is back\n"))
        _ = try larder("set", "accounts", "maxsize=2", "--yes")
        let lines = try String(contentsOfFile: audit, encoding: .utf8).split(separator: "\n")
            .map {
                try #require(
                    try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
        #expect(lines.map { $0["what"] as? String } == ["applied", "undone", "applied"])
        let by = try #require(lines[0]["by"] as? [String: Any])
        #expect(by["reason"] as? String == "moved \"away\"")
        #expect(by["uid"] as? Int == Int(getuid()) && by["plan"] as? String == String(plan))
        #expect((lines[0]["entries"] as? [[String: Any]])?.count == 1)
        #expect(lines[1]["restored"] as? Int == 1)
        let bounds = try #require((lines[2]["bounds"] as? [[String: Any]])?.first)
        #expect((bounds["before"] as? [String: Any])?["maxsize"] as? Int == 64)
        #expect((bounds["after"] as? [String: Any])?["maxsize"] as? Int == 2)
        #expect((lines[2]["entries"] as? [Any])?.count == 2)
        let mode = try FileManager.default.attributesOfItem(atPath: audit)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        // Of a file that others can read nothing is made a secret any more.
        chmod(audit, 0o644)
        let refused = try larder("serve", "--name", "other", "--audit", audit)
        #expect(refused.status == 1 && refused.errors.contains("others may read or write it"))
    }

    @Test func `a service manager is told when it is up, and a stop waits for what is under way`()
        throws
    {
        let manager = try NotifySocket(in: folder)
        let engine = try Terminal(
            "exec env NOTIFY_SOCKET=\(manager.path) \(TestSupport.larder) serve --latency 2s --grace 20s",
            columns: 200, environment: environment)
        #expect(eventually { manager.told().contains("READY=1") })
        let fetching = try Terminal(
            "\(TestSupport.larder) fetch account 100000000001 > \(folder.path)/fetched 2>&1",
            environment: ["XDG_RUNTIME_DIR": folder.path])
        defer { _ = fetching }
        #expect(
            try eventually {
                try larder("stats", "--format", "json").output.contains("\"flights\" : 1")
            })
        kill(try engine.pid(), SIGTERM)
        #expect(try fetching.exitStatus() == 0)
        let fetched = try String(contentsOfFile: folder.path + "/fetched", encoding: .utf8)
        #expect(fetched.contains("\"account_number\""), "\(fetched)")
        #expect(
            eventually {
                !FileManager.default.fileExists(atPath: folder.path + "/larder/demo.sock")
            })
    }

    @Test func `a service manager that watches hears that the engine is alive`() throws {
        let manager = try NotifySocket(in: folder)
        let engine = try Terminal(
            "exec env NOTIFY_SOCKET=\(manager.path) WATCHDOG_USEC=100000 \(TestSupport.larder) serve "
                + "--name watched", columns: 200, environment: environment)
        defer { _ = engine }
        #expect(eventually { manager.told().ranges(of: "WATCHDOG=1").count >= 5 })
    }

    @Test func `a fuzzer finds nothing that the document does not say`() throws {
        let engine = try serve("--warm 20 --traffic 20", name: "fuzzed")
        defer { _ = engine }
        let free =
            "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); print(s.getsockname()[1])"
        let port = try run([try python(), "-c", free]).output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        let bridge = try Terminal(
            "exec socat TCP-LISTEN:\(port),bind=127.0.0.1,reuseaddr,fork "
                + "UNIX-CONNECT:\(folder.path)/larder/fuzzed.sock")
        defer { _ = bridge }
        let base = "http://127.0.0.1:\(port)"
        #expect(
            try eventually {
                try run(["curl", "-s", "--noproxy", "*", "\(base)/healthz"]).status == 0
            })
        // The same examples every time: a test that fails by luck says little.
        let ran = try run(
            [
                try python(), "-m", "schemathesis.cli", "run", "\(base)/openapi.json", "--url",
                base, "--max-examples", "40",
                "--generation-deterministic", "--no-color",
            ], environment: ["NO_PROXY": "*", "HOME": folder.path])
        #expect(ran.status == 0, "\(ran.output.suffix(3000))\(ran.errors.suffix(500))")
        #expect(try larder("caches", "--target", "fuzzed").status == 0)
    }
}
