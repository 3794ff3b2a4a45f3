import Foundation
import TestSupport
import Testing

/// Every command on an engine that holds the worst of keys: into a pipe, and on a terminal, byte by
/// byte.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `What reaches a terminal` {
    private static let keys = [
        "\u{1b}]0;title\u{7}\u{1b}[2J", "\u{9b}31m\u{7f}", "a\u{202e}b\u{2066}c",
        "t\u{e0041}\u{e007f}",
        "m" + String(repeating: "\u{301}", count: 2000), "v\u{e0100}\u{180b}", "1\u{fe0f}",
        "line\nlarder: forged", "r\rforged", "s\u{2028}p\u{2029}", "z\u{200b}w\u{feff}",
        "\u{2800}\u{3164}", "\u{70f}\u{fff9}", "=1+1", "+x", "-x", "@y", "\ttab", "\r=1",
    ]

    /// What lists such keys, in every format.
    private static let listings: [[String]] = ["text", "json", "csv"].flatMap {
        format -> [[String]] in
        [
            ["entries"], ["events"], ["attach", "demo", "--once"],
            ["invalidate", "accounts", "--dry-run", "--filter", "a"],
            ["invalidate", "accounts", "--dry-run", keys[2], "no\u{1b}such\u{202e}"],
            ["fetch", "account", "--target", "demo", keys[4]],
        ].map { $0 + ["--format", format] }
    }

    /// What says something of words that were typed.
    private static let sayings: [[String]] =
        [
            ["caches"], ["stats"], ["changes", "--format", "csv"],
            ["entry", "accounts", keys[3]], ["entry", "accounts", keys[7]],
            ["entry", "ca\u{1b}[2Jche\nlarder: forged", "k"],
            ["entries", "--filter", "k=\u{1b}[31m"], ["undo", "\u{1b}[2J\u{9b}"],
            ["--b\u{1b}ad"], ["entries", "\u{1b}[2J", "more\u{202e}\nError: forged"],
            ["--format", "\u{1b}[2J"], ["entries", "--limit=\u{1b}9\nError: forged"],
            ["serve", "--traffic", "\u{1b}]0;x\u{7}"], ["\u{1b}[2Jcommand"],
            ["entries", "--sort", "\u{9b}"], ["serve", "--name", "\u{1b}[2J\nlarder: forged"],
            ["caches", "--target", "\u{1b}[2J\u{202e}"],
            ["caches", "--target", "/no\u{1b}/\u{9b}"],
            ["fetch", "credentials", "\u{1b}[2J\u{202e}"],
            ["serve", "--audit", "/no\u{1b}[2J\u{9b}"],
            ["top", "--bind", "\u{1b}=q"], ["help", "\u{1b}"],
            ["set", "accounts\u{1b}[2J", "ttl=\u{1b}\u{202e}"], ["entries", "--help", "\u{1b}"],
        ]

    // MARK: Reading

    /// What of an output is not fit to be seen: by Unicode's own properties, not by the function
    /// that has to see to it.
    private func unfit(_ output: String, onTerminal: Bool) -> [String] {
        var found: [String] = []
        var (marks, last): (Int, Unicode.Scalar) = (0, "\n")
        let scalars = Array(output.unicodeScalars)
        for (place, scalar) in scalars.enumerated() {
            let kind = scalar.properties.generalCategory
            marks = kind == .nonspacingMark || kind == .enclosingMark ? marks + 1 : 0
            defer { last = scalar }
            if scalar == "\n" { continue }
            // A terminal's own end of a line.
            if onTerminal, scalar == "\r", scalars.dropFirst(place + 1).first == "\n" { continue }
            let isHidden =
                [.control, .format, .unassigned, .lineSeparator, .paragraphSeparator].contains(kind)
                || scalar.properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800
                || scalar.properties.isVariationSelector
            if isHidden || marks > 4 || marks == 1 && (last == "\n" || last == " ") {
                found.append("U+\(String(scalar.value, radix: 16)) behind \(last.value)")
            }
        }
        return Array(Set(found)).sorted()
    }

    private func forged(_ output: String) -> [Substring] {
        output.split { $0.isNewline }.filter {
            $0.hasPrefix("larder: forged") || $0.hasPrefix("Error: forged")
        }
    }

    /// Cells that a spreadsheet would take for a formula.
    private func formulas(_ csv: String) -> [String] {
        csv.matches(of: /(?:^|[,\n])"?([=@\t\r][^,\n]*|[+\-][^0-9.,\n][^,\n]*)/).map {
            String($0.0)
        }
    }

    // MARK: Running

    /// All that a command writes on a terminal of its own, which `script` gives it.
    private func onTerminal(_ words: [String], _ environment: [String: String]) throws -> String {
        var environment = environment
        for (place, word) in words.enumerated() { environment["WORD\(place)"] = word }
        let line = words.indices.map { "\"$WORD\($0)\"" }.joined(separator: " ")
        return try run(
            ["script", "-qec", "'\(larder)' \(line)", "/dev/null"], environment: environment
        ).output
    }

    /// JSON into a pipe is as it is; text and CSV hold what a reader of theirs does not expect.
    private func checkPipe(_ words: [String], _ environment: [String: String]) throws {
        let ran = try run([larder] + words, environment: environment)
        if words.contains("text") {
            #expect(unfit(ran.output, onTerminal: false) == [], "\(words)")
        }
        if words.contains("csv") { #expect(formulas(ran.output) == [], "\(words)") }
        #expect(unfit(ran.errors, onTerminal: false) == [], "\(words): \(ran.errors)")
        #expect(forged(ran.errors) == [], "\(words)")
    }

    private func check(_ words: [String], _ environment: [String: String]) throws {
        let seen = try onTerminal(words, environment)
        #expect(!seen.isEmpty, "\(words)")
        #expect(unfit(seen, onTerminal: true) == [], "\(words)")
        #expect(forged(seen) == [], "\(words)")
    }

    @Test func `of a command is nothing that steers it, hides or pretends`() throws {
        let keys = String(decoding: try JSONEncoder().encode(Self.keys), as: UTF8.self)
        let engine = try Besieged(
            "--keys \"$HOSTILE\" --cache accounts:negative=1h", environment: ["HOSTILE": keys])
        #expect(
            try eventually {
                try engine.larder("caches", "--format", "csv").output.contains("accounts,")
                    && engine.larder("events", "--format", "csv").output.contains("'@y")
            })
        var environment = engine.environment
        // Their output goes to a terminal of their own, whatever this one is.
        environment["TERM"] = "xterm"
        environment["LC_ALL"] = "C.UTF-8"
        let reason = "=why\u{1b}[2J\u{202e}"
        try check(
            ["invalidate", "accounts", "--yes", "--reason", reason, Self.keys[1]], environment)
        for words in some(Self.listings + Self.sayings, oneIn: 3) { try check(words, environment) }
        for words in some(Self.listings, oneIn: 3) + [["changes", "--format", "csv"]]
        where !words.contains("json") {
            try checkPipe(words, environment)
        }
        #expect(unfit(engine.errors, onTerminal: false) == [])
    }

    @Test(arguments: [
        ["LARDER_TABLE": "\u{1b}[2J\u{202e}"],
        ["LARDER_CACHE_ACCOUNTS": "maxsize=\u{1b}[2J\nlarder: forged"],
        ["LARDER_TRAFFIC": "\u{9b}\u{202e}"], ["LARDER_CONFIG": "/no\u{1b}where\u{202e}"],
        ["XDG_RUNTIME_DIR": "/no\u{1b}where\u{202e}"], ["LARDER_STORE": "/no\u{1b}/\u{202e}"],
        ["AWS_PROFILE": "\u{1b}[2J\u{202e}", "LARDER_ORIGIN": "aws"],
        ["AWS_REGION": "\u{1b}[2J", "LARDER_ORIGIN": "aws"],
        ["AWS_ENDPOINT_URL": "http://\u{1b}[2J", "LARDER_ORIGIN": "aws"],
        ["HTTPS_PROXY": "\u{1b}[2J\u{202e}", "LARDER_ORIGIN": "aws"],
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://\u{9b}\u{202e}", "LARDER_ORIGIN": "aws"],
    ])
    func `of what the environment says wrong is nothing that steers it`(
        variables: [String: String]
    ) throws {
        let folder = try TemporaryFolder()
        let usual = [
            "XDG_RUNTIME_DIR": folder.path, "HOME": folder.path, "XDG_DATA_HOME": folder.path,
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        let environment = usual.merging(variables) { $1 }
        try check(["top", "--once", "--for", "0s", "--traffic", "0"], environment)
    }

    @Test(arguments: [
        "na\u{1b}me: x", "\u{1b}[2J", "table: [\u{9b}", "traffic: \"\\e[2J\\u202e\"",
        "caches: {\"ac\\ncounts\\e\": {maxsize: 3}}", "\"x\\nlarder: forged\": 1",
        "a: &\u{202e} *b",
        "keys: {\"\\e\": 1}", "sort: \"\\x9b\"", "name: \"\\e]0;t\\a\"", "bind: [\"\\e=x\"]",
    ])
    func `of a wrong file of settings is nothing that steers it`(yaml: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/config.yaml"
        try yaml.write(toFile: file, atomically: false, encoding: .utf8)
        try check(
            ["top", "--once", "--for", "0s"],
            ["LARDER_CONFIG": file, "XDG_RUNTIME_DIR": folder.path, "HOME": folder.path])
    }

    @Test func `of what an AWS says, and of a program that gives keys, is nothing that steers it`()
        throws
    {
        let words = #"\u001b[2J\u009b\u202e\nlarder: forged"#
        let body = #"{"__type":"x#\#(words)","message":"\#(words)"}"#
        let upstream = try Upstream(
            .send(
                "HTTP/1.1 400 Bad\u{1b}\r\nx-amzn-RequestId: \u{9b}\u{7}\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"))
        defer { upstream.stop() }
        let folder = try TemporaryFolder()
        let usual = [
            "XDG_RUNTIME_DIR": folder.path, "HOME": folder.path, "NO_PROXY": "*",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": folder.path + "/config",
        ]
        let keys = ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"]
        let fetch = ["fetch", "account", "1", "--table", "t", "--endpoint-url", upstream.endpoint]
        try check(fetch, usual.merging(keys) { $1 })
        try check(
            [
                "fetch", "credentials", "arn:aws:iam::222222222222:role/r", "--origin", "aws",
                "--endpoint-url", upstream.endpoint,
            ], usual.merging(keys) { $1 })
        try
            "[default]\ncredential_process = sh -c \"printf '\\033[2J\\342\\200\\256\\nlarder: forged' >&2; exit 1\"\n"
            .write(toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        try check(fetch, usual)
        // The same in what an engine logs, as text and as JSON.
        for format in ["text", "json"] {
            let engine = try Besieged(
                own: "--name demo --table t --keys 1 --traffic 20 --log-format \(format) "
                    + "--endpoint-url \(upstream.endpoint)",
                environment: usual.merging(keys) { $1 }.filter { $0.key != "XDG_RUNTIME_DIR" })
            #expect(
                try eventually { try engine.larder("events").output.contains("failed  1") })
            for words in [["events"], ["entries"], ["attach", "demo", "--once"]] {
                try check(words + ["--format", format], engine.environment)
            }
            #expect(unfit(engine.errors, onTerminal: false) == [])
        }
    }
}
