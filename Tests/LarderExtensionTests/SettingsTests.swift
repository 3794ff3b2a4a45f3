import Larder
import LarderGateway
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
        ("LARDER_CACHE", "*:ttl=forever", "the usual bounds are used"),
        ("LARDER_CACHE", "*:size=1", "sets nothing"),
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

    @Test func `an endpoint that is the extension itself is not its upstream`() {
        let settings = ExtensionSettings([:])
        let own = [
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:5599",
            "AWS_ENDPOINT_URL_STS": "http://localhost:5599",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:5599/role-arn/x",
        ]
        let others = [
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "LARDER_GATEWAY": "127.0.0.1:5599",
        ]
        #expect(settings.withoutOwn(own.merging(others) { $1 }) == others)
    }
}
