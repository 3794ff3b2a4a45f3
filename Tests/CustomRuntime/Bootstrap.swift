import AsyncHTTPClient
import Glibc
import Larder
import NIOCore
import NIOHTTP1
import Synchronization

/// A Lambda function with a runtime of its own and the engine in it: the `bootstrap` of a zip file. It
/// answers with the account whose number it is given, and with how many were fetched so far.
@main
struct Bootstrap {
    private static let fetches = Atomic(0)
    /// In a function of your own, the fetch is a call to AWS.
    private static let accounts = Cache<String, String>("accounts", maxsize: 64, ttl: .seconds(2)) {
        fetches.add(1, ordering: .relaxed)
        return "account \($0)"
    }

    static func main() async throws {
        let place = getenv("AWS_LAMBDA_RUNTIME_API").map { String(cString: $0) }
        let runtime = Runtime(place: place ?? "127.0.0.1:9001")
        while true {
            let invoke = try await runtime.next()
            // The process may have stood still until now: what ended meanwhile goes first.
            accounts.expire()
            do {
                let account = try await accounts.value(for: invoke.body)
                let count = fetches.load(ordering: .relaxed)
                try await runtime.post(invoke.id, "response", "\"\(account), \(count) fetched\"")
            } catch {
                try await runtime.post(invoke.id, "error", "{\"errorMessage\":\"no account\"}")
            }
        }
    }
}

/// Lambda's Runtime API, as far as it takes to be invoked.
private struct Runtime {
    let place: String
    /// Without a limit in time, which the shared one has: it stands still until there is an invoke.
    private let client = HTTPClient(configuration: .init())

    init(place: String) { self.place = place }

    private var base: String { "http://\(place)/2018-06-01/runtime/invocation/" }

    func next() async throws -> (id: String, body: String) {
        let request = HTTPClientRequest(url: base + "next")
        let response = try await client.execute(request, deadline: .distantFuture)
        let body = String(buffer: try await response.body.collect(upTo: 6 << 20))
        return (
            response.headers.first(name: "Lambda-Runtime-Aws-Request-Id") ?? "",
            String(body.trimmingPrefix("\"").prefix { $0 != "\"" })
        )
    }

    func post(_ id: String, _ outcome: String, _ body: String) async throws {
        var request = HTTPClientRequest(url: base + id + "/" + outcome)
        request.method = .POST
        request.body = .bytes(ByteBuffer(string: body))
        _ = try await client.execute(request, deadline: .distantFuture)
    }
}
