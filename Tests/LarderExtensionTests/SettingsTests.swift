import Foundation
import Larder
import LarderGateway
import TestSupport
import Testing

@testable import LarderExtension

@Suite struct `What the function's variables say` {
    @Test func `nothing said is the usual`() {
        let settings = ExtensionSettings([:])
        #expect(settings.address == .usual && settings.hasMetrics && !settings.isSnapshot)
        #expect(settings.bounds("orders") == .usualTable && settings.notes.isEmpty)
    }

    @Test func `bounds are those of --cache, of all tables and of one`() {
        let settings = ExtensionSettings([
            "LARDER_CACHE": "*:ttl=60s,stale=60s orders:maxsize=5"
        ])
        #expect(settings.bounds("other").ttl == .seconds(60))
        #expect(settings.bounds("other").staleIfError == .seconds(60))
        #expect(settings.bounds("orders").maxsize == 5)
        #expect(settings.bounds("orders").ttl == .seconds(60))
    }

    @Test(arguments: [
        ("128", 4 << 20), ("1769", 57_966_592), ("10240", 64 << 20), ("0", 64 << 20),
        ("-1", 64 << 20), ("much", 64 << 20), ("99999999999999999999", 64 << 20),
    ])
    func `a table takes a 32nd of the function's memory`(memory: String, bytes: Int) {
        let settings = ExtensionSettings(["AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory])
        #expect(settings.bounds("any").maxbytes == bytes)
    }

    @Test func `what is said of bytes counts, whatever the memory`() {
        let settings = ExtensionSettings([
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "LARDER_CACHE": "*:maxbytes=1M",
        ])
        #expect(settings.bounds("any").maxbytes == 1 << 20)
    }

    @Test(arguments: [
        ("LARDER_CACHE", "*:ttl=forever", "it is left out"),
        ("LARDER_CACHE", "*:size=1", "sets nothing"),
        ("LARDER_CACHE", "*:ttl=60s,ttl=30s", "ttl is named twice"),
        ("LARDER_GATEWAY", "0.0.0.0:1", "127.0.0.1:5599 is used"),
        ("LARDER_METRICS", "perhaps", "on and off are"),
    ])
    func `a slip of the hand is said and left out`(name: String, value: String, words: String) {
        let settings = ExtensionSettings([name: value])
        #expect(settings.notes.count == 1)
        #expect(settings.notes.first.map { $0.hasPrefix(name) && $0.contains(words) } ?? false)
        #expect(settings.address == .usual && settings.bounds("any") == .usualTable)
        #expect(settings.hasMetrics)
    }

    @Test(arguments: [
        "credentials:jitter=10%", "*:jitter=10% orders:ttl=none", "orders:ttl=none *:jitter=10%",
        "*:ttl=none *:jitter=10%", "credentials:jitter=10% *:maxsize=5",
        "credentials:jitter=10%\torders:maxsize=5",
    ])
    func `bounds that make no sense together are left out, and end nothing`(text: String) throws {
        let settings = ExtensionSettings(["LARDER_CACHE": text])
        #expect(settings.notes.count == 1, "\(settings.notes)")
        for table in ["orders", "other"] { try settings.bounds(table).validate() }
        try settings.credentials.validate()
    }

    @Test func `what is wrong of one cache leaves the bounds of others`() {
        let settings = ExtensionSettings([
            "LARDER_CACHE": "credentials:jitter=10% *:maxsize=5,jitter=10%"
        ])
        #expect(settings.bounds("orders").maxsize == 5 && settings.bounds("orders").jitter == 0.1)
        #expect(settings.credentials.jitter == 0)
        #expect(settings.notes.first?.hasPrefix("LARDER_CACHE: credentials:jitter=10%: ") == true)
        // What is said of all tables is not said of sessions.
        #expect(
            ExtensionSettings(["LARDER_CACHE": "*:jitter=10% credentials:ttl=none"]).notes == [])
    }

    @Test func `bounds that are said together in a file need not make sense one by one`() throws {
        let (settings, _) = try settings("caches: {credentials: {jitter: 10%, ttl: 60s}}")
        #expect(settings.notes.isEmpty && settings.credentials.jitter == 0.1)
    }

    @Test func `whatever is said of bounds, those that come of it make sense`() throws {
        var random = Seeded(17)
        func pick(_ texts: [String]) -> String { texts.randomElement(using: &random)! }
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let bounds = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    pick([
                        "ttl=off", "ttl=none", "ttl=none", "ttl=60s", "jitter=10%", "jitter=1",
                        "maxsize=0",
                        "maxsize=off", "maxbytes=1", "maxbytes=off", "policy=lfu", "stale=60s",
                        "stale=off", "negative=5s", "policy=nothing",
                    ])
                }
                return pick(["*", "orders", "credentials", "other"]) + ":"
                    + bounds.joined(separator: ",")
            }.joined(separator: pick([" ", "  ", "\n"]))
            let settings = ExtensionSettings(["LARDER_CACHE": text])
            for table in ["orders", "other", "third"] {
                #expect(throws: Never.self, "\(text)") { try settings.bounds(table).validate() }
            }
            #expect(throws: Never.self, "\(text)") { try settings.credentials.validate() }
        }
    }

    @Test(arguments: ["ttl=60s,stale=60s", "orders", "orders:", "*:", ":ttl=5s,"])
    func `what names no bound is told`(text: String) {
        let notes = ExtensionSettings(["LARDER_CACHE": text]).notes
        #expect(notes.count == (text.hasPrefix(":") ? 0 : 1), "\(notes)")
    }

    @Test func `an endpoint that is the extension itself is not its upstream`() {
        let settings = ExtensionSettings([:])
        let own = [
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:5599",
            "AWS_ENDPOINT_URL_STS": "http://localhost:5599",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:5599/role-arn/x",
        ]
        let others = [
            "AWS_ENDPOINT_URL": "http://127.0.0.1:55991", "LARDER_GATEWAY": "127.0.0.1:5599",
        ]
        #expect(settings.withoutOwn(own.merging(others) { $1 }) == others)
    }

    /// What comes of a `larder.yaml` beside the function's code and of variables.
    private func settings(
        _ file: String, _ variables: [String: String] = [:]
    ) throws -> (ExtensionSettings, path: String) {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/larder.yaml"
        try file.write(toFile: path, atomically: true, encoding: .utf8)
        let task = ["LAMBDA_TASK_ROOT": folder.path]
        return (ExtensionSettings(variables.merging(task) { $1 }), path)
    }

    @Test func `a file beside the code says the same, and variables win`() throws {
        let file = """
            gateway: 127.0.0.1:5600
            endpoint-url: http://127.0.0.1:5000
            role: arn:aws:iam::222222222222:role/reader
            metrics: off
            caches: {'*': {ttl: 60s, stale: 60s}, orders: 'maxsize=5,ttl=10s'}
            """
        let (said, _) = try settings(file)
        #expect(said.notes.isEmpty && said.address.port == 5600 && !said.hasMetrics)
        #expect(said.endpointURL == "http://127.0.0.1:5000")
        #expect(said.role == "arn:aws:iam::222222222222:role/reader")
        #expect(said.bounds("other").ttl == .seconds(60))
        #expect(said.bounds("other").staleIfError == .seconds(60))
        #expect(said.bounds("orders").maxsize == 5 && said.bounds("orders").ttl == .seconds(10))
        let variables = [
            "LARDER_GATEWAY": "127.0.0.1:5601", "LARDER_ENDPOINT_URL": "http://127.0.0.1:5001",
            "LARDER_ROLE": "arn:aws:iam::222222222222:role/other", "LARDER_METRICS": "on",
            "LARDER_CACHE": "orders:ttl=20s",
        ]
        let (won, _) = try settings(file, variables)
        #expect(
            won.address.port == 5601 && won.hasMetrics
                && won.role == "arn:aws:iam::222222222222:role/other")
        #expect(won.endpointURL == "http://127.0.0.1:5001")
        #expect(won.bounds("orders").maxsize == 5 && won.bounds("orders").ttl == .seconds(20))
        #expect(won.bounds("other").ttl == .seconds(60))
    }

    @Test(arguments: [
        ("caches: {'*': {ttl: forever}}", ":1:21: "), ("caches:\n  '*': [1]", ":2:8: bounds are"),
        ("gateway: 0.0.0.0:1", ":1:10: "), ("metrics: perhaps", ":1:10: \"perhaps\" is not"),
        ("tabel: x", ":1:1: there is no setting \"tabel\"; caches, endpoint-url, gateway, metrics"),
        ("role: [a]", ":1:1: role is one value"), ("- a", ":1:1: settings are expected"),
        ("a: [", ":2:1: this is no YAML"),
        ("metrics: on\nmetrics: on", ":2:1: metrics stands here"),
    ])
    func `a slip in the file is said with its place and left out`(file: String, told: String) throws
    {
        let (settings, path) = try settings(file)
        #expect(settings.notes.count == 1)
        #expect(settings.notes.first?.hasPrefix(path + told) == true, "\(settings.notes)")
        #expect(settings.address == .usual && settings.bounds("any") == .usualTable)
        #expect(settings.hasMetrics)
    }

    @Test func `a file that is named has to be there, and to be a file`() throws {
        let folder = try TemporaryFolder()
        let nowhere = "\(folder.path)/nowhere.yaml"
        let (pipe, device) = ("\(folder.path)/pipe", "/dev/null")
        #expect(mkfifo(pipe, 0o600) == 0)
        for (path, told) in [
            (nowhere, "there is no such file"), (folder.path, "it is no regular file"),
            (pipe, "it is no regular file"), (device, "there is no such file"),
        ] {
            let notes = ExtensionSettings(["LARDER_CONFIG": path]).notes
            #expect(
                notes.count == 1 && notes.first?.hasPrefix("\(path): \(told)") == true, "\(notes)")
        }
    }
}
