import AsyncHTTPClient
import LarderInspector
import NIOCore
import NIOHTTP1

/// Lambda's Extensions API, of 2020-01-01.
struct ExtensionsAPI: Sendable {
    private let base: String
    private let client: HTTPClient

    /// - Parameter place: `HOST:PORT`, as `AWS_LAMBDA_RUNTIME_API` has it.
    init(_ place: String, _ client: HTTPClient) {
        base = "http://\(place)/2020-01-01/extension/"
        self.client = client
    }

    /// Nothing here has a limit in time: a process that is frozen waits as long as that takes.
    static func client() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.idleTimeout = .seconds(3600)
        // A refused connection is an answer; whoever wants another try asks again.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    enum Event: Hashable, Sendable {
        case invoke
        /// The reason as Lambda words it, such as `SPINDOWN`; empty where it gives none.
        case shutdown(String)
        /// What is not known here, by its name.
        case other(String)
    }

    /// An answer other than 200.
    struct Refused: Error, CustomStringConvertible {
        var status: Int
        /// `Extension.InvalidEventType`; empty where it is not said.
        var type: String
        var message: String

        /// Whether another try may do better.
        var isPassing: Bool { status >= 500 || status == 429 }

        var description: String {
            "HTTP \(status)" + (type.isEmpty ? "" : " \(type)")
                + (message.isEmpty ? "" : ": \(message)")
        }
    }

    /// Registers under the name of the executable, which is how Lambda knows an extension.
    ///
    /// - Returns: The identifier that all other calls have to carry.
    /// - Throws: ``Refused``; what the client throws where there is no answer.
    func register(_ name: String, for events: [String]) async throws -> String {
        var request = HTTPClientRequest(url: base + "register")
        request.method = .POST
        request.headers = ["Lambda-Extension-Name": name, "Content-Type": "application/json"]
        let body: Shown = ["events": .list(events.map { .text($0) })]
        request.body = .bytes(ByteBuffer(string: body.json))
        let response = try await client.execute(request, deadline: .distantFuture)
        try await check(response)
        _ = try await response.body.collect(upTo: Self.longest)
        guard let id = response.headers.first(name: "Lambda-Extension-Identifier") else {
            throw Refused(status: 200, type: "", message: "the answer has no identifier")
        }
        return id
    }

    /// Says that there is nothing to do any more, and waits for what is next.
    ///
    /// - Throws: ``Refused``; what the client throws where there is no answer.
    func next(_ id: String) async throws -> Event {
        var request = HTTPClientRequest(url: base + "event/next")
        request.headers = ["Lambda-Extension-Identifier": id]
        let response = try await client.execute(request, deadline: .distantFuture)
        try await check(response)
        let body = try await response.body.collect(upTo: Self.longest)
        return Self.event(Array(body.readableBytesView))
    }

    /// An event whatever its other members are: a deadline may be null.
    static func event(_ body: [UInt8]) -> Event {
        let json = try? Shown(json: body)
        func text(_ name: String) -> String {
            guard case .text(let text)? = json?[name] else { return "" }
            return text
        }
        switch text("eventType").uppercased() {
        case "INVOKE": return .invoke
        case "SHUTDOWN": return .shutdown(text("shutdownReason"))
        case let other: return .other(other)
        }
    }

    private func check(_ response: HTTPClientResponse) async throws {
        guard response.status != .ok else { return }
        let body = try await response.body.collect(upTo: Self.longest)
        let json = try? Shown(json: Array(body.readableBytesView))
        func text(_ name: String) -> String {
            guard case .text(let text)? = json?[name] else { return "" }
            return PlainText.fit(text)
        }
        throw Refused(
            status: Int(response.status.code), type: text("errorType"),
            message: text("errorMessage"))
    }

    private static let longest = 1 << 20
}
