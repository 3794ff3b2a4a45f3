import Foundation
import TestSupport
import Testing

/// What a script or a person at a prompt asks and does, of an engine in a process of its own.
@Suite(.timeLimit(.minutes(5))) struct `A command` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    private var store: String { folder.path + "/accounts.sqlite" }

    /// An engine with so many accounts, up and filled.
    private func serve(
        _ count: Int, _ options: String = "--cache accounts:ttl=1h", name: String = "demo"
    ) throws -> Terminal {
        let terminal = try Terminal(
            "exec \(TestSupport.larder) serve --latency 1ms --warm \(count) --name \(name) \(options)",
            columns: 200,
            environment: ["XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": store])
        try terminal.wait(for: "\(name).sock")
        #expect(try eventually { try held(name) == count })
        return terminal
    }

    private func held(_ name: String = "demo") throws -> Int {
        try lines(larder("entries", "accounts", "--format", "csv", "--target", name)).count - 1
    }

    private func larder(_ words: String..., environment: [String: String] = [:]) throws -> Ran {
        try larder(words, environment)
    }

    private func larder(_ words: [String], _ environment: [String: String] = [:]) throws -> Ran {
        let own = [
            "XDG_RUNTIME_DIR": folder.path, "XDG_DATA_HOME": folder.path,
            "XDG_STATE_HOME": folder.path, "XDG_CONFIG_HOME": folder.path, "NO_PROXY": "*",
        ]
        return try run([TestSupport.larder] + words, environment: own.merging(environment) { $1 })
    }

    private func lines(_ ran: Ran) -> [String] {
        ran.output.split(separator: "\n").map(String.init)
    }

    private func json(_ ran: Ran) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(ran.output.utf8))
    }

    // MARK: Where there is no engine

    @Test(arguments: [
        [], ["--once"], ["--format", "json"], ["--format", "csv"], ["--plain"], ["--limit", "5"],
        ["fetch", "account", "100000000001"],
        ["fetch", "credentials", "arn:aws:iam::100000000001:role/reader"],
    ])
    func `invents nothing for a script`(words: [String]) throws {
        let ran = try larder(words)
        #expect(ran.status == 69 && ran.output.isEmpty, "\(ran)")
        #expect(ran.errors.contains("no engine is running here"))
    }

    @Test(arguments: ["text", "csv", "json"])
    func `that invents says so in its first line, in every format`(format: String) throws {
        let ran = try larder(
            "top", "--once", "--for", "0s", "--latency", "0s", "--warm", "2", "--format", format,
            environment: ["LARDER_STORE": store])
        #expect(ran.status == 0)
        #expect(lines(ran).first?.contains("DEMO") == true, "\(ran.output)")
        if format == "json" {
            #expect((try json(ran) as? [String: Any])?["DEMO"] as? Bool == true)
        }
        if format == "csv" {
            #expect(lines(ran).dropFirst().allSatisfy { $0.hasSuffix(",true") })
        }
    }

    @Test func `of plain lines says DEMO in the first`() throws {
        let ran = try run(
            [TestSupport.larder, "top", "--plain", "--traffic", "0"],
            environment: ["LARDER_STORE": store, "XDG_STATE_HOME": folder.path], input: "quit\n")
        #expect(lines(ran).first?.hasPrefix("DEMO") == true, "\(ran)")
    }

    @Test func `that checks says that it is not known`() throws {
        let ran = try larder("check", "--entries", ">5")
        #expect(ran.status == 3 && ran.output.hasPrefix("LARDER UNKNOWN: no engine"), "\(ran)")
        #expect(try larder("check", "--entries", ">5", "--quiet").output.hasPrefix("LARDER UNK"))
        #expect(try larder("verify", "accounts", "1").status == 69)
    }

    // MARK: After a deploy

    @Test func `stops what is marked little by little`() throws {
        let engine = try serve(20)
        defer { _ = engine }
        let marking = try Terminal(
            "\(TestSupport.larder) invalidate accounts --all --soft --spread 60s --yes; sleep 60",
            columns: 160, environment: ["XDG_RUNTIME_DIR": folder.path])
        defer { _ = marking }
        try marking.wait(for: "stops it")
        let changes = try larder("changes", "--format", "json")
        let plans = try #require(try json(changes) as? [[String: Any]])
        let plan = try #require(plans.last?["plan"] as? String)
        let stopped = try larder("undo", plan, "--yes")
        #expect(stopped.status == 0 && stopped.output.contains("stopped: "), "\(stopped)")
        try marking.wait(for: "stopped by someone else")
        #expect(try larder("undo", plan, "--yes").status == 1)
    }

    @Test func `marks all as stale, and removes all little by little`() throws {
        let engine = try serve(9)
        defer { _ = engine }
        let soft = try larder("invalidate", "accounts", "--all", "--soft", "--yes")
        #expect(soft.status == 0 && soft.output.contains("done: 9 marked as stale"), "\(soft)")
        #expect(soft.output.contains("served until a fetch for each has landed"))
        #expect(try held() == 9)
        let dry = try larder(
            "invalidate", "accounts", "--all", "--budget", "1/s", "--dry-run", "--format", "json")
        let plan = try #require(try json(dry) as? [String: Any])
        #expect(plan["entries"] as? Int == 9 && plan["leftAlone"] as? Int == 0)
        let slow = try larder("invalidate", "accounts", "--all", "--spread", "90s", "--dry-run")
        #expect(slow.output.contains("only the last 30s can be taken back"), "\(slow)")
        #expect(slow.output.contains("about 3 of 9 entries"), "\(slow)")
        let ran = try larder("invalidate", "accounts", "--all", "--spread", "1s", "--yes")
        #expect(ran.status == 0 && ran.output.contains("spread over 1s"), "\(ran)")
        #expect(ran.output.contains("done: 9 removed"), "\(ran)")
        #expect(ran.errors.contains("under way for 1s"))
        #expect(try held() == 0)
        let changes = try larder("changes", "--format", "csv").output
        #expect(changes.contains(",began,") && changes.contains(",applied,"))
    }

    @Test func `sets bounds that go back by themselves, and says how it understood them`() throws {
        let engine = try serve(9)
        defer { _ = engine }
        let dry = try larder("set", "accounts", "maxsize=32", "ttl=300", "--dry-run")
        #expect(dry.output.contains("maxsize 64 -> 32 entries"), "\(dry)")
        #expect(dry.output.contains("9 held now end up to 55m"), "\(dry)")
        #expect(
            try larder("set", "accounts", "maxbytes=65536", "--dry-run").output.contains("64 KiB")
        )
        let ran = try larder("set", "accounts", "maxsize=2", "--for", "1s", "--yes")
        #expect(ran.status == 0 && ran.output.contains("go back after 1s"), "\(ran)")
        #expect(
            ran.output.contains("done: accounts: maxsize 64 -> 2 entries; 7 removed, "), "\(ran)")
        #expect(
            try eventually {
                lines(try larder("caches", "--format", "csv")).first {
                    $0.hasPrefix("accounts,") && $0.contains(",64,3600,")
                } != nil
            })
        #expect(try larder("set", "accounts", "maxsize=2", "--for", "0").status == 64)
    }

    @Test func `to undo shows its plan, and asks`() throws {
        let engine = try serve(4, "--cache accounts:maxsize=4,ttl=1h")
        defer { _ = engine }
        let set = try larder("set", "accounts", "maxsize=64", "--yes", "--format", "json")
        let plan = try #require((try json(set) as? [String: Any])?["plan"] as? String)
        #expect(plan.count == 16)
        for number in 10...14 { _ = try larder("fetch", "account", "1000000000\(number)") }
        #expect(try held() == 9)
        let dry = try larder("undo", plan, "--dry-run")
        #expect(
            dry.status == 0 && dry.output.contains("maxsize 64 -> 4 entries"), "\(dry)"
        )
        #expect(
            dry.output.contains("plan: 5 entries, ") && dry.output.contains("evicted  accounts  "))
        let unasked = try larder("undo", plan)
        #expect(unasked.status == 1 && unasked.errors.contains("nothing was changed"))
        #expect(try held() == 9)
        let done = try larder("undo", plan, "--yes")
        #expect(done.output.contains("the bounds are as they were"), "\(done)")
        #expect(done.output.contains("5 entries had to go"), "\(done)")
        #expect(try held() == 4)
        #expect(try larder("undo", plan, "--yes").errors.contains("or was undone"))
        #expect(try larder("undo", "nonsense", "--yes").status == 1)
    }

    // MARK: Looking after it

    @Test func `verifies what is served, and ends by what it found`() throws {
        let engine = try serve(3)
        defer { _ = engine }
        let same = try larder("verify", "accounts", "100000000001")
        #expect(same.status == 0 && same.output.contains("agrees, written"), "\(same)")
        let all = try larder("verify", "accounts", "--all", "--rate", "1000")
        #expect(all.status == 0 && all.output == "3 agree, 0 differ, 0 unknown\n", "\(all)")
        let nowhere = try larder("verify", "accounts", "999")
        #expect(nowhere.status == 3, "\(nowhere)")
        #expect(nowhere.output.contains("999  not held, and the origin has no such thing"))
        let unheld = try larder("verify", "accounts", "100000000050", "100000000001")
        #expect(unheld.status == 3, "\(unheld)")
        #expect(unheld.output.contains("100000000050  not held\n"))
        #expect(unheld.output.contains("1 agree, 0 differ, 0 unknown, 1 not held"), "\(unheld)")
        let fetched = try larder(
            "fetch", "credentials", "arn:aws:iam::100000000001:role/reader")
        #expect(fetched.status == 0)
        let named = try larder("fetch", "accounts", "100000000001")
        #expect(named.status == 0 && named.output.contains("\"account_number\""), "\(named)")
        let unknown = try larder("fetch", "acounts", "1")
        #expect(unknown.status == 1 && unknown.errors.contains("accounts"), "\(unknown)")
        let session = try larder("verify", "credentials", "--all", "--rate", "1000")
        #expect(session.status == 0, "\(session)")
        #expect(session.output.contains("a new session each time; nothing to compare"))
        #expect(try larder("verify", "nonsense", "1").status == 2)
        #expect(try larder("verify", "accounts").status == 64)
        let changed = try run([
            "python3", "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); "
                + "c.execute(\"update accounts set name='Elsewhere' where number='100000000001'\"); "
                + "c.commit()", store,
        ])
        #expect(changed.status == 0, "\(changed)")
        let stale = try larder("verify", "accounts", "--all", "--rate", "1000")
        #expect(stale.status == 1, "\(stale)")
        #expect(stale.output.contains(/accounts  100000000001  differs, written .* ago: name is/))
        #expect(stale.output.contains("2 agree, 1 differ, 0 unknown"))
        let rows = try json(larder("verify", "accounts", "--all", "--format", "json"))
        #expect((rows as? [[String: Any]])?.count { $0["verdict"] as? String == "differs" } == 1)
    }

    @Test func `finds nothing in silence only where nothing is`() throws {
        let engine = try serve(2)
        defer { _ = engine }
        for words in [["entries"], ["events"], ["invalidate", "accounts", "--dry-run"]] {
            let ran = try larder(words + ["--filter", "cache=nosuch"])
            #expect(ran.status == 1 && ran.output.isEmpty, "\(words): \(ran)")
            let caret = "there are accounts, credentials\n    cache=nosuch\n          ^"
            #expect(ran.errors.contains(caret), "\(ran)")
        }
        let evicted = try larder("entries", "--filter", "state=evicted")
        #expect(evicted.status == 64 && evicted.errors.contains("is no state of an entry"))
        #expect(try larder("events", "--filter", "state=written").status == 0)
        #expect(try larder("entries", "--filter", "size>64 B and cold").status == 0)
    }

    @Test func `says what was marked as stale, and what cannot be taken back`() throws {
        let engine = try serve(2)
        defer { _ = engine }
        #expect(try larder("invalidate", "accounts", "--all", "--soft", "--yes").status == 0)
        let changes = try larder("changes")
        #expect(changes.output.contains("2 marked stale") && !changes.output.contains("removed"))
        let rows = try json(larder("changes", "--format", "json")) as? [[String: Any]]
        #expect(rows?.last?["softened"] as? Int == 2 && rows?.last?["removed"] as? Int == 0)
    }

    @Test func `tells since when an entry is stale, and what happened to it when`() throws {
        let engine = try serve(2)
        defer { _ = engine }
        #expect(try larder("invalidate", "accounts", "--all", "--soft", "--yes").status == 0)
        let entry = try json(larder("entry", "accounts", "100000000000", "--format", "json"))
        let fields = try #require(entry as? [String: Any])
        #expect(fields["state"] as? String == "stale", "\(fields)")
        #expect(try #require(fields["staleFor"] as? Double) < 60)
        let history = try #require(fields["history"] as? [[String: Any]])
        #expect(history.count == 2)
        #expect(history.allSatisfy { ($0["time"] as? String)?.hasSuffix("Z") == true })
        let text = try larder("entry", "accounts", "100000000000").output
        #expect(text.contains(/\nstaleFor +[0-9]+s\n/), "\(text)")
        #expect(text.contains(/\n\n[-0-9T:]+Z  accounts\b/), "\(text)")
        #expect(text.contains(/\nvalue\.[a-z]+\b/), "\(text)")
    }

    @Test func `says what a change of bounds came to`() throws {
        let engine = try serve(2)
        defer { _ = engine }
        let ran = try larder("set", "accounts", "maxsize=1", "--yes")
        #expect(
            ran.output.contains("done: accounts: maxsize 64 -> 1 entry; 1 removed, "), "\(ran)")
        let none = try larder("entries", "--filter", "hits>=1000")
        #expect(none.errors.contains("no entry passes the filter"), "\(none)")
    }

    @Test func `says where a check compares nothing`() throws {
        let engine = try serve(1)
        defer { _ = engine }
        let ran = try larder("check", "--over", "100ms")
        #expect(ran.output.hasPrefix("LARDER OK: no threshold is given, nothing was compared; "))
        #expect(!(try larder("check", "--entries", ">9").output.contains("compared")))
    }

    @Test func `writes times and sizes alike everywhere`() throws {
        let engine = try serve(1, "--cache accounts:ttl=1h,negative=10m,stale=1m")
        defer { _ = engine }
        _ = try larder("fetch", "account", "100000009999")
        let entry = try larder("entry", "accounts", "100000009999")
        #expect(entry.output.contains(/firstFailure +[0-9]+s\n/), "\(entry)")
        #expect(entry.output.contains(/nextTry +[0-9]+m[0-9]{2}s\n/), "\(entry)")
        for words in Self.looks + [["entry", "accounts", "100000009999"]] {
            let output = try larder(words).output
            #expect(!output.contains(/[0-9] bytes?\b/), "\(words): \(output)")
        }
        let memory = try larder("memory").output
        for part in ["record", "program", "rest"] {
            #expect(memory.contains("\n\(part) "), "\(memory)")
        }
        #expect(try larder("set", "accounts", "stale=off", "--yes").output.contains("1m -> off"))
    }

    @Test func `says DEMO of an invented engine, whatever it is called`() throws {
        let engine = try serve(1, name: "practice")
        defer { _ = engine }
        #expect(try larder().output.hasPrefix("DEMO"))
        #expect(try larder("--format", "json").output.hasPrefix("{\"DEMO\" : true"))
    }

    @Test func `fails for practice where that was asked for`() throws {
        let ran = try larder(
            ["fetch", "account", "100000000001", "--failing", "100%", "--latency", "off"],
            ["LARDER_STORE": store])
        #expect(ran.status == 1, "\(ran)")
        #expect(
            ran.errors.contains("for practice") || ran.errors.contains("rate of requests"), "\(ran)"
        )
    }

    @Test func `checks thresholds as Nagios and cron want them`() throws {
        let engine = try serve(9)
        defer { _ = engine }
        let critical = try larder("check", "--entries", ">5", "--cache", "accounts")
        #expect(critical.status == 2, "\(critical)")
        #expect(
            critical.output
                == "LARDER CRITICAL: accounts entries 9 (entries>5) | 'accounts entries'=9;;5;0;\n")
        #expect(try larder("check", "--warn", "entries>5").status == 1)
        #expect(
            try larder("check", "--warn", "entries>5", "--critical", "entries>20").status == 1)
        let fine = try larder("check", "--entries", ">100", "--stale", ">0", "--quiet")
        #expect(fine.status == 0 && fine.output.isEmpty && fine.errors.isEmpty, "\(fine)")
        let told = try larder("check", "--hit", "<80%", "--over", "100ms")
        #expect(told.status == 0 && told.output.contains("no look-ups in 100ms"), "\(told)")
        #expect(told.output.contains("'accounts hit'=U;;80:;0;100"), "\(told)")
        #expect(try larder("check", "--over", "100ms").output.hasPrefix("LARDER OK: "))
        let wrong = try larder("check", "--hit", "80")
        #expect(wrong.status == 64 && wrong.errors.contains("  hit80\n     ^"), "\(wrong)")
        let nowhere = try larder("check", "--entries", ">1", "--cache", "orders")
        #expect(nowhere.status == 3 && nowhere.output.contains("UNKNOWN"), "\(nowhere)")
        let document = try json(larder("check", "--entries", ">5", "--format", "json"))
        #expect((document as? [String: Any])?["state"] as? String == "critical")
    }

    @Test func `goes to the engine that LARDER_TARGET names, unless another is named`() throws {
        let engines = [try serve(1, name: "one"), try serve(2, name: "two")]
        defer { _ = engines }
        func caches(_ words: String..., target: String) throws -> Ran {
            try larder(["caches", "--format", "csv"] + words, ["LARDER_TARGET": target])
        }
        #expect(try caches(target: "two").output.contains("accounts,2,"))
        #expect(try caches("--target", "one", target: "two").output.contains("accounts,1,"))
        #expect(try caches(target: "").status == 64)
        #expect(try caches(target: "all").output.contains("two,accounts,2"))
        let wrong = try caches(target: "three")
        #expect(wrong.status == 69 && wrong.errors.contains("LARDER_TARGET: no engine called"))
        #expect(
            try larder([], ["LARDER_TARGET": "one"]).output.contains("accounts     1 entry of 64"))
    }

    // MARK: All of them

    private static let looks = [
        ["caches"], ["entries"], ["events"], ["changes"], ["verify", "accounts", "--all"],
        ["memory"], ["forecast"], ["check", "--over", "100ms"], ["stats"], ["origins"],
        ["set", "accounts", "maxsize=1", "--dry-run"], ["entry", "accounts", "100000000000"],
        ["invalidate", "accounts", "--all", "--dry-run"],
    ]

    @Test func `calls a field the same in every format`() throws {
        let engine = try serve(2)
        defer { _ = engine }
        #expect(try larder("set", "accounts", "jitter=1%", "--yes").status == 0)
        for words in Self.looks {
            let csv = try larder(words + ["--format", "csv"])
            let text = lines(try larder(words + ["--format", "json"]))
            let names = lines(csv).first?.split(separator: ",").map(String.init) ?? []
            let known = Set(
                text.flatMap { $0.matches(of: /"([A-Za-z0-9_]+)" ?:/).map { String($0.1) } })
            // What is not there is left out of JSON.
            let optional: Set = [
                "engine", "expiry", "key", "reason", "by", "failure", "warning", "critical",
                "share", "ghostEvictedShare", "ghostExpiredShare", "value", "entries", "cache",
                "limit", "maxbytes", "version", "kind", "lasting",
            ]
            guard names != ["field", "value"] else {
                let fields = lines(csv).dropFirst().map { String($0.prefix { $0 != "," }) }
                // A part of the value stands behind the names that it is inside of.
                let parts = fields.flatMap { $0.split(separator: ".").map(String.init) }
                #expect(Set(parts).subtracting(known).isEmpty, "\(words): \(fields)")
                continue
            }
            #expect(names.count > 2, "\(words)")
            #expect(Set(names).subtracting(known).isSubset(of: optional), "\(words): \(known)")
        }
    }

    @Test func `counts one as one, and gives bytes a unit`() throws {
        let engine = try serve(1)
        defer { _ = engine }
        _ = try larder("fetch", "account", "100000000000")
        for words in Self.looks + [
            ["fetch", "account", "100000000000"], ["top", "--once", "--for", "0s"],
            ["invalidate", "accounts", "--all", "--yes"], ["stats"], ["changes"],
        ] {
            let ran = try larder(words, words[0] == "top" ? ["LARDER_STORE": store] : [:])
            let said = ran.output + ran.errors
            let wrong =
                /\b1 (entries|hits|misses|fetches|look-ups|bytes|keys|events|calls|plans|go)\b/
            #expect(said.firstMatch(of: wrong) == nil, "\(words): \(said)")
            #expect(said.firstMatch(of: /(larder: ){2}/) == nil, "\(words): \(said)")
            #expect(said.firstMatch(of: /\b[0-9]+ (go|freed)\b/) == nil, "\(words): \(said)")
        }
    }

    @Test(arguments: [
        (["verify", "accounts", "--all", "--rate", "1000"], "9 agree"),
        (["stats"], "which bound to raise"),
        (["memory"], "accounts takes most"),
        (["origins"], "fetched most within the last"),
        (["entries", "credentials", "--sort", "expiry", "--limit", "1"], "EXPIRY"),
        (["forecast"], "no storm"),
        (["invalidate", "accounts", "--all", "--soft", "--budget", "20/s", "--yes"], "9 marked"),
    ])
    func `answers one of the seven questions`(words: [String], answer: String) throws {
        let engine = try serve(9)
        defer { _ = engine }
        let ran = try larder(words)
        #expect(ran.status == 0 && ran.output.contains(answer), "\(ran)")
    }

    @Test func `foresees what other bounds would bring`() throws {
        let engine = try serve(9)
        defer { _ = engine }
        let none = try larder(["whatif", "credentials"])
        #expect(none.status == 1 && none.errors.contains("end by themselves"), "\(none)")
        let wrong = try larder(["whatif", "accounts", "stale=5m"])
        #expect(wrong.status == 64 && wrong.errors.contains("stale: a what-if is of "), "\(wrong)")
        let fetched = try larder([
            "fetch", "account", "100000000001", "--times", "50",
        ])
        #expect(fetched.status == 0, "\(fetched)")
        let grid = try larder(["whatif", "accounts", "--format", "csv"])
        #expect(lines(grid).first?.hasPrefix("maxsize,maxbytes,ttl,policy,hitRatio,") ?? false)
        #expect(lines(grid).first?.hasSuffix(",isPresent,window,lookups") ?? false)
        // In the grid, and among the policies.
        let present = lines(grid).filter { $0.firstMatch(of: /,true,[0-9.]+,[0-9]+$/) != nil }
        #expect(present.count == 2, "\(grid)")
        let point = try larder(
            ["whatif", "accounts", "maxsize=128", "ttl=10m", "--format", "json"])
        for name in [
            "hitRatio", "hitRatioError", "fetchesPerSecond", "bytes", "bytesError",
        ] {
            #expect(point.output.contains("\"\(name)\""), "\(point)")
        }
        let table = try larder(["whatif", "accounts"])
        #expect(table.output.contains("MAXSIZE/TTL") && table.output.contains("%]"), "\(table)")
        #expect(lines(table).count < 20, "\(table)")
        let text = try larder(["whatif", "accounts", "policy=sieve"])
        #expect(text.output.contains("sieve: hit "), "\(text)")
    }

    @Test(arguments: [
        (["foo"], "there are top"), (["statz"], "did you mean \"stats\"?"),
        (["top", "--target", "x"], "larder attach NAME looks into a running engine"),
        (["--target", "x"], "larder attach NAME looks into a running engine"),
    ])
    func `that there is not is told, with what may have been meant`(
        words: [String], said: String
    ) throws {
        let ran = try larder(words)
        #expect(ran.status == 64 && ran.errors.contains(said), "\(ran)")
        #expect(!ran.errors.contains("open"), "\(ran)")
    }
}
