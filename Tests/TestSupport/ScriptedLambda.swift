import Dispatch
import Synchronization

/// Lambda's Extensions API and Runtime API, by script: what no real one does at will.
///
/// A call for the next event waits until the test has one to say; what is posted is taken.
public final class ScriptedLambda: Sendable {
    /// An answer, as it goes over the wire.
    public struct Answer: Sendable {
        public var status: Int
        public var headers: [String]
        public var body: String

        public init(_ status: Int, _ body: String, headers: [String] = []) {
            (self.status, self.body, self.headers) = (status, body, headers)
        }

        public static let registered = Answer(
            200, #"{"functionName":"f","functionVersion":"1","handler":"h"}"#,
            headers: ["Lambda-Extension-Identifier: 11111111-2222-3333-4444-555555555555"])

        /// A call to the Runtime API is told of a request of this id.
        public static func invocation(_ id: String, _ body: String) -> Answer {
            Answer(200, body, headers: ["Lambda-Runtime-Aws-Request-Id: \(id)"])
        }

        /// As the API words it.
        public static func refused(_ type: String, _ message: String = "no") -> Answer {
            Answer(403, #"{"errorMessage":"\#(message)","errorType":"\#(type)"}"#)
        }

        public static func invoke(deadline: String = "1795780800000") -> Answer {
            Answer(
                200,
                #"{"eventType":"INVOKE","deadlineMs":\#(deadline),"requestId":"r"}"#)
        }

        public static func shutdown(_ reason: String) -> Answer {
            Answer(
                200,
                #"{"eventType":"SHUTDOWN","deadlineMs":null,"shutdownReason":"\#(reason)"}"#,
                headers: ["Content-Type: text/plain"])
        }

        fileprivate var bytes: [UInt8] {
            let head =
                ["HTTP/1.1 \(status) Scripted", "Content-Length: \(body.utf8.count)"] + headers
            return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
        }
    }

    private let upstream = Mutex<Upstream?>(nil)
    private let registers: Mutex<[Answer]>
    private let events = Mutex<[Answer]>([])
    private let hasEvent = DispatchSemaphore(value: 0)

    /// `HOST:PORT`, as `AWS_LAMBDA_RUNTIME_API` has it.
    public let place: String

    /// - Parameter registers: The answers to `register`, one after the other; the last one stays.
    public init(registers answers: [Answer] = [.registered]) throws {
        registers = Mutex(answers)
        let script = Mutex<(@Sendable (Int) -> [Upstream.Step])?>(nil)
        let made = try Upstream { number in script.withLock { $0 }?(number) ?? [.cut] }
        place = "127.0.0.1:\(made.port)"
        upstream.withLock { $0 = made }
        script.withLock { $0 = { [weak self] in self?.steps($0) ?? [.cut] } }
    }

    /// Answers one call for the next event.
    public func say(_ event: Answer) {
        events.withLock { $0.append(event) }
        hasEvent.signal()
    }

    /// The first lines of what came in, such as `POST /2020-01-01/extension/register`.
    public var calls: [String] {
        requests.map { request in
            request.head.split(separator: " ").prefix(2).joined(separator: " ")
        }
    }

    public var requests: [Upstream.Request] { upstream.withLock { $0?.requests ?? [] } }

    /// Returns once so many calls came in.
    public func arrived(_ count: Int) async { await upstream.withLock { $0 }?.arrived(count) }

    private func steps(_ number: Int) -> [Upstream.Step] {
        guard let request = upstream.withLock({ $0?.requests[number] }) else { return [.cut] }
        if request.head.contains("/register ") {
            let answer = registers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            return [.send(answer.bytes)]
        }
        guard request.head.contains("/next ") else {
            return [.send(Answer(202, #"{"status":"OK"}"#).bytes)]
        }
        // On the connection's own thread.
        hasEvent.wait()
        return [.send(events.withLock { $0.removeFirst() }.bytes)]
    }

    deinit { upstream.withLock { $0?.stop() } }
}
