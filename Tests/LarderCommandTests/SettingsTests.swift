import ArgumentParser
import Foundation
import Larder
import LarderGateway
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `Settings from elsewhere` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ text: String, _ name: String = "config.yaml") throws -> String {
        let path = "\(folder.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// The command line that comes of files, variables and what was typed.
    private func line(
        _ files: [String], _ variables: [String: String] = [:], _ typed: [String]
    ) throws -> [String] {
        let paths = try files.enumerated().map { try file($1, "\($0).yaml") }
        return try Settings(variables, files: paths).arguments(before: typed)
    }

    @Test func `flags win, then the environment, then the user's file, then the system's`() throws {
        let files = [
            "traffic: 1\nwarm: 1\nname: system\ncaches: {accounts: {maxsize: 1, ttl: 10s}}",
            "traffic: 2\nwarm: 2\ncaches: {accounts: {maxsize: 2}}",
        ]
        let arguments = try line(
            files, ["LARDER_TRAFFIC": "3", "LARDER_CACHE_ACCOUNTS": "maxsize=3"],
            ["serve", "--traffic", "4", "--cache", "accounts:jitter=0.1"])
        let serve = try #require(try LarderCommand.parseAsRoot(arguments) as? Serve)
        #expect(serve.traffic == 4 && serve.warm == 2 && serve.name == "system")
        let bounds = serve.origin.configuration("accounts", default: .init(maxsize: 9, ttl: nil))
        #expect(bounds.maxsize == 3 && bounds.ttl == .seconds(10) && bounds.jitter == 0.1)
    }

    @Test func `what belongs to the other origin, or to other commands, is left out`() throws {
        let file = "table: t\nregion: eu-west-1\nlatency: 5ms\nname: n\nrefresh: 2s\nread-only: yes"
        #expect(
            try line([file], [:], ["top"]) == [
                "top", "--origin", "aws", "--table=t", "--region=eu-west-1", "--refresh=2s",
            ])
        #expect(
            try line([file], [:], ["serve", "--origin", "embedded"]) == [
                "serve", "--origin", "embedded", "--latency=5ms", "--name=n", "--read-only",
                "--origin", "embedded",
            ])
        for command in [["caches"], ["entries", "accounts"], ["--help"], ["top", "--help"]] {
            #expect(try line([file], [:], command) == command)
        }
    }

    @Test(arguments: [
        ("tabel: x", ":1:1: there is no setting \"tabel\"; accounts, allow-gid,"),
        ("traffic: 5\nlatency: soon", ":2:10: latency: \"soon\" is not a duration; write"),
        ("traffic: fast", ":1:10: traffic: The value 'fast' is invalid"),
        ("traffic: -1", ":1:10: traffic: 0 to 100000"),
        ("caches:\n  accounts:\n    ttl: 300x", ":3:10: \"300x\" is not a duration"),
        ("caches:\n  acounts: {}", ":2:3: no cache is called \"acounts\""),
        ("caches:\n  accounts: {size: 1}", ":2:20: \"size=1\" sets nothing"),
        ("caches: [1]", ":1:9: bounds by cache are expected"),
        ("read-only: perhaps", ":1:12: read-only is true or false"),
        ("name: [a, b]", ":1:7: name is one value"),
        ("- a", ":1:1: settings are expected"),
        ("a: [", "this is no YAML"),
        ("table: x\ntable: y", ":2:1: table stands here twice"),
        ("name: a\n--- \nname: b", ":3:1: a second document begins here"),
        ("name: \u{0}", ":1:7: this is no YAML: control characters are not allowed"),
        ("allow-gid: staff", ":1:12: allow-gid: The value 'staff' is invalid"),
    ])
    func `what makes no sense is told with its line and column`(text: String, told: String) throws {
        let path = try file(text)
        let error = #expect(throws: SettingError.self) { try Settings([:], files: [path]) }
        #expect(error?.description.contains(told) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix(path) == true)
    }

    @Test func `bounds of tables are said where there is a gateway, and only to it`() throws {
        let caches = "caches: {orders: {ttl: 60s}, '*': {maxsize: 9}, accounts: {maxsize: 2}}"
        let gateway = "gateway: 127.0.0.1:0\nunsigned-ok: true\n" + caches
        let arguments = try line([gateway], [:], ["serve"])
        let serve = try #require(try LarderCommand.parseAsRoot(arguments) as? Serve)
        #expect(serve.gateway.map { "\($0)" } == "127.0.0.1:0" && serve.unsignedOk)
        let orders = serve.origin.tableConfiguration("orders")
        #expect(orders.maxsize == 9 && orders.ttl == .seconds(60))
        #expect(serve.origin.tableConfiguration("other").ttl == .seconds(300))
        #expect(serve.origin.tableConfiguration("accounts").maxsize == 2)
        #expect(try line([gateway], [:], ["top"]) == ["top", "--cache=accounts:maxsize=2"])
        #expect(try Settings(["LARDER_GATEWAY": "on"], files: [try file(caches)]).notes.isEmpty)
        _ = try Settings([:], files: [try file(caches)], hasGateway: true)
        #expect(throws: SettingError.self) { try Settings([:], files: [try file(caches)]) }
        let typed = ["serve", "--gateway", "on", "--cache", "orders:ttl=5s"]
        let usual = try #require(try LarderCommand.parseAsRoot(typed) as? Serve)
        #expect(usual.gateway.map { "\($0)" } == "127.0.0.1:5599")
        for command in [["serve"], ["top"], ["fetch", "account", "1"]] {
            #expect(throws: (any Error).self) {
                try LarderCommand.parseAsRoot(command + ["--cache", "orders:ttl=5s"])
            }
        }
    }

    @Test func `variables that are no settings are passed over, with a word at most`() throws {
        let links = [
            "LARDER_CACHE_PORT": "tcp://10.0.0.1:80", "LARDER_CACHE_SERVICE_HOST": "10.0.0.1",
            "LARDER_CACHE_SERVICE_PORT": "80", "LARDER_CACHE_SERVICE_PORT_HTTP": "80",
            "LARDER_CACHE_PORT_80_TCP": "tcp://10.0.0.1:80",
            "LARDER_CACHE_PORT_80_TCP_PROTO": "tcp", "LARDER_CACHE_PORT_80_TCP_PORT": "80",
            "LARDER_CACHE_PORT_80_TCP_ADDR": "10.0.0.1", "LARDER_PORT": "tcp://10.0.0.1:80",
            "LARDER_SERVICE_HOST": "10.0.0.1", "LARDER_CACHE_ACCOUNTS_PORT": "tcp://10.0.0.1:80",
            "LARDER_NAME": "/web/larder", "LARDER_ENV_PATH": "/bin", "LARDER_PORT_80_TCP_END": "x",
            "LARDER_CACHE_NAME": "/web/larder-cache", "LARDER_CACHE_ENV_TRAFFIC": "5",
            "LARDER_CACHE_PORT_80_TCP_START": "tcp://10.0.0.1:80", "LARDER_TABLE_PORT": "tcp://x:1",
            "LARDER_TRAFFIC_SERVICE_PORT_METRICS": "9",
        ]
        let linked = try Settings(links, files: [])
        #expect(linked.notes.isEmpty)
        #expect(linked.arguments(before: ["top"]) == ["top"])
        let wrong = try Settings(["LARDER_CACHE_ACOUNTS": "maxsize=3"], files: [])
        #expect(wrong.notes.count == 1)
        #expect(wrong.notes.first?.hasPrefix("LARDER_CACHE_ACOUNTS is passed over: ") == true)
        #expect(throws: SettingError.self) {
            try Settings(["LARDER_CACHE_ACCOUNTS": "tcp://10.0.0.1:80"], files: [])
        }
    }

    @Test func `whatever a variable says is a setting or refused`() throws {
        var random = Fuzz.random("settings")
        let names = [
            "traffic", "warm", "accounts", "latency", "refresh", "grace", "allow-gid",
            "duration-seconds", "keys", "attributes", "sort", "key", "sort-key", "tag",
            "call-deadline", "external-id", "policy-arn", "bind", "allow-role", "name",
        ]
        for round in 0..<Fuzz.count {
            let value =
                Bool.random(using: &random)
                ? Fuzz.number(using: &random) : Fuzz.text(using: &random)
            let bounds = ["maxsize", "maxbytes", "ttl", "jitter", "stale", "negative", "policy"]
                .filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
                .map { "\($0)=\(Fuzz.number(using: &random))" }.joined(separator: ", ")
            _ = try? CacheOption(parsing: "accounts:\(bounds)")
            _ = try? CacheOption(parsing: value)
            _ = try? SortOption(parsing: value)
            _ = try? KeyAttribute(parsing: value)
            _ = try? AttributeList.paths(value)
            _ = try? OriginOptions.deadline(value)
            _ = FollowingOptions.matches(
                Array(value.utf8)[...], Array(Fuzz.text(using: &random).utf8)[...])
            // The parser of command lines takes its time.
            guard round.isMultiple(of: 40) else { continue }
            let variable =
                "LARDER_"
                + names.randomElement(using: &random)!.replacing("-", with: "_").uppercased()
            _ = try? Settings([variable: value], files: [])
            _ = try? AssumingOptions.parse([
                "--tag=\(value)", "--external-id=\(Fuzz.text(using: &random))",
                "--duration-seconds=\(Fuzz.number(using: &random))",
            ])
        }
    }

    /// Lines that a file of settings may have, and what spoils them.
    private func randomFile(using random: inout Seeded) -> String {
        func pick(_ texts: [String]) -> String { texts.randomElement(using: &random)! }
        return (0..<Int.random(in: 0...8, using: &random)).map { _ in
            let value =
                Bool.random(using: &random)
                ? Fuzz.number(using: &random) : Fuzz.text(using: &random)
            return pick(["", "", "", "  ", "    ", "\t", "- "])
                + pick([
                    "caches:", "accounts:", "credentials:", "caches: {accounts: {ttl: \(value)}}",
                    "ttl: \(value)", "maxsize: \(value)", "\(value): \(value)", "caches: \(value)",
                    "accounts: {\(value): \(value), maxbytes: \(value)}", "&a \(value)", "*a",
                    "<<: *a", "? \(value)", "caches: &b [*b]", "!!binary \(value)", "|", ">", "---",
                    "...", "%YAML 1.1", "# \(value)", "{", "[", "]", "}", "'\(value)", "\"\(value)",
                ]) + pick(["\n", "\n", "\n", "\r\n", "\r", "\u{85}", ""])
        }.joined()
    }

    @Test func `whatever a file says is settings, or is refused with its name`() throws {
        var random = Fuzz.random("files of settings")
        for _ in 0..<Fuzz.count {
            let path = try file(randomFile(using: &random))
            do { _ = try Settings([:], files: [path]) } catch let error {
                #expect(error.description.hasPrefix(path))
            }
        }
        let deep = "caches: " + String(repeating: "[", count: 100_000)
        #expect(throws: SettingError.self) { try Settings([:], files: [try file(deep)]) }
    }

    /// A file of settings as what it says, to be spoilt in its structure and not in its letters.
    private indirect enum Tree {
        case scalar(String), list([Tree]), mapping([(String, Tree)])

        /// Every kind of setting, each as it should be.
        static let whole = Tree.mapping([
            ("traffic", .scalar("5")), ("latency", .scalar("5ms")), ("name", .scalar("n")),
            ("keys", .list([.scalar("a"), .scalar("b,c")])), ("read-only", .scalar("yes")),
            ("tag", .list([.scalar("a=b")])), ("allow-gid", .scalar("10")),
            (
                "caches",
                .mapping([
                    ("accounts", .mapping([("maxsize", .scalar("64")), ("ttl", .scalar("300s"))])),
                    ("credentials", .scalar("maxsize=9")),
                ])
            ),
        ])

        /// The same with something spoilt, here or further in.
        func spoilt(using random: inout Seeded) -> Tree {
            let goesOn = Int.random(in: 0..<4, using: &random) > 0
            switch self {
            case .list(var items) where goesOn && !items.isEmpty:
                let place = items.indices.randomElement(using: &random)!
                items[place] = items[place].spoilt(using: &random)
                return .list(items)
            case .mapping(var pairs) where goesOn && !pairs.isEmpty:
                let place = pairs.indices.randomElement(using: &random)!
                pairs[place].1 = pairs[place].1.spoilt(using: &random)
                return .mapping(pairs)
            case .mapping(var pairs) where !pairs.isEmpty && Bool.random(using: &random):
                let place = pairs.indices.randomElement(using: &random)!
                switch Int.random(in: 0..<4, using: &random) {
                case 0: pairs.append(pairs[place])
                case 1: pairs[place].0 = Fuzz.text(using: &random)
                case 2: pairs.remove(at: place)
                default: pairs.swapAt(0, place)
                }
                return .mapping(pairs)
            default: return wrapped(using: &random)
            }
        }

        private func wrapped(using random: inout Seeded) -> Tree {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .list([self])
            case 1: .list([])
            case 2: .mapping([("accounts", self)])
            case 3: .mapping([])
            case 4: .scalar(Fuzz.number(using: &random))
            default: .scalar(Fuzz.text(using: &random))
            }
        }

        /// In YAML: braces and brackets within, the outermost level in lines or in braces as well.
        func text(using random: inout Seeded, isOutermost: Bool = true) -> String {
            switch self {
            case .scalar(let text): return Self.quoted(text, using: &random)
            case .list(let items):
                let texts = items.map { $0.text(using: &random, isOutermost: false) }
                return "[" + texts.joined(separator: ", ") + "]"
            case .mapping(let pairs):
                let texts = pairs.map { name, value in
                    Self.quoted(name, using: &random) + ": "
                        + value.text(using: &random, isOutermost: false)
                }
                guard isOutermost, Bool.random(using: &random) else {
                    return "{" + texts.joined(separator: ", ") + "}"
                }
                return texts.joined(separator: "\n")
            }
        }

        private static func quoted(_ text: String, using random: inout Seeded) -> String {
            let mark = ["", "", "", "", "!!str ", "!!int ", "&a "].randomElement(using: &random)!
            switch Int.random(in: 0..<3, using: &random) {
            case 0
            where text.utf8.allSatisfy({ $0 > 32 && !"{}[],:#&*!|>'\"%@`?-".utf8.contains($0) }):
                return mark + text
            case 1: return mark + "'" + text.replacing("'", with: "''") + "'"
            default:
                let json = (try? JSONEncoder().encode(text)) ?? Data()
                return mark + String(decoding: json, as: UTF8.self)
            }
        }
    }

    @Test func `a file whose structure is spoilt is settings, or refused with a place in it`()
        throws
    {
        var random = Fuzz.random("trees of settings")
        var (taken, refused) = (0, 0)
        // Each option's own parser looks at its value, and takes its time.
        for _ in 0..<Fuzz.count / 20 {
            var tree = Tree.whole
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                tree = tree.spoilt(using: &random)
            }
            let text = tree.text(using: &random)
            let path = try file(text)
            do throws(SettingError) {
                let settings = try Settings([:], files: [path])
                taken += 1
                #expect(settings.arguments(before: ["serve"]).first == "serve")
            } catch {
                refused += 1
                #expect(error.description.hasPrefix(path), "\(text): \(error)")
                let place = error.description.dropFirst(path.count)
                let numbers = place.prefixMatch(of: #/:([0-9]+):([0-9]+): /#)
                let line = numbers.flatMap { Int($0.1) } ?? 0
                let lines = text.split(separator: /\r\n|\n|\r/, omittingEmptySubsequences: false)
                #expect((1...lines.count + 1).contains(line), "\(text): \(error)")
            }
        }
        #expect(taken > 0 && refused > 0)
    }

    @Test func `an origin can be said alone, and means nothing to a command that runs no engine`()
        throws
    {
        let top = try line([], ["LARDER_ORIGIN": "aws"], ["top"])
        #expect((try LarderCommand.parseAsRoot(top) as? Top)?.origin.isAWS == true)
        let both = ["LARDER_TABLE": "t", "LARDER_THEME": "dark"]
        #expect(try line([], both, ["attach", "demo"]) == ["attach", "--theme=dark", "demo"])
    }

    @Test func `an empty file says nothing, and one that is named has to be there`() throws {
        #expect(try line(["", "# nothing\n"], [:], ["top"]) == ["top"])
        #expect(throws: SettingError.self) {
            try Settings(["LARDER_CONFIG": folder.path + "/nowhere.yaml"])
        }
        #expect(throws: SettingError.self) {
            try Settings(["LARDER_TRAFFIC": "fast"], files: [])
        }
    }
}
