import Dispatch
import Foundation
import Glibc
import Synchronization

/// A server on the loopback that answers from a script, byte for byte: what a real service never
/// sends at will.
///
/// It speaks no protocol beyond finding where a request ends. Nothing in it waits for time to pass:
/// a reply is held back by a ``Gate``, and a test waits for what has happened.
public final class Upstream: Sendable {
    /// A part of the answer to one request.
    public enum Step: Sendable {
        case send([UInt8])
        /// Go on when the gate is open.
        case wait(Gate)
        /// Go on when the client has closed the connection.
        case untilClosed
        /// Close in the middle of whatever was sent.
        case cut
        /// Close so that the client's system reports a reset.
        case reset

        public static func send(_ text: String) -> Step { .send(Array(text.utf8)) }
    }

    /// A request as it came.
    public struct Request: Sendable {
        public var head: String
        public var body: [UInt8]
    }

    /// Opened once, by hand.
    public final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)

        public init() {}

        public func open() { semaphore.signal() }

        fileprivate func wait() {
            semaphore.wait()
            semaphore.signal()
        }
    }

    private struct State {
        var requests: [Request] = []
        var accepted = 0
        var hangups = 0
        var connections: Set<Int32> = []
        var waiters: [(when: @Sendable (State) -> Bool, resume: CheckedContinuation<Void, Never>)] =
            []
    }

    public let port: UInt16
    private let listener: Int32
    private let wholeRequests: Bool
    private let script: @Sendable (_ request: Int, _ connection: Int) -> [Step]
    private let state = Mutex(State())

    public var endpoint: String { "http://127.0.0.1:\(port)" }
    public var requests: [Request] { state.withLock { $0.requests } }
    /// How many connections were made.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// - Parameter script: What is done for the request of that number, counted from 0. The
    ///   connection stays open unless it says otherwise.
    /// - Parameter wholeRequests: Whether it waits for the end of an HTTP request; else whatever
    ///   comes in is one.
    public convenience init(
        wholeRequests: Bool = true, _ script: @escaping @Sendable (Int) -> [Step]
    ) throws {
        try self.init(wholeRequests: wholeRequests) { request, _ in script(request) }
    }

    /// - Parameter script: What is done for the request of that number over the connection of that
    ///   number, both counted from 0.
    public init(
        wholeRequests: Bool = true,
        byConnection script: @escaping @Sendable (_ request: Int, _ connection: Int) -> [Step]
    ) throws {
        self.wholeRequests = wholeRequests
        self.script = script
        let listener = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listens = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 256) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard listens else {
            throw Failure("no socket on the loopback: \(String(cString: strerror(errno)))")
        }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// The same answer to every request.
    public convenience init(_ steps: Step...) throws {
        try self.init { _ in steps }
    }

    /// Closes the listener and every connection.
    public func stop() {
        Glibc.shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { for connection in $0.connections { hangUp(connection) } }
    }

    /// Has every connection end that is open, so that the client's system reports a reset, or as one
    /// does that is not needed any more.
    public func endConnections(resetting: Bool) {
        state.withLock { state in
            for connection in state.connections {
                if resetting { reset(connection) } else { hangUp(connection) }
            }
        }
    }

    /// Returns once `count` requests have come in whole.
    public func arrived(_ count: Int) async { await until { $0.requests.count >= count } }

    /// Returns once clients have closed `count` connections on which the script waited for it.
    public func hungUp(_ count: Int) async { await until { $0.hangups >= count } }

    // MARK: Serving

    private func acceptAll() {
        while case let connection = accept(listener, nil, nil), connection >= 0 {
            let number = state.withLock {
                $0.accepted += 1
                $0.connections.insert(connection)
                return $0.accepted - 1
            }
            Thread.detachNewThread { [self] in
                while let request = read(connection), answer(request, on: connection, number) {}
                state.withLock { _ = $0.connections.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }

    /// Whether the connection is still open afterwards.
    private func answer(_ request: Request, on connection: Int32, _ place: Int) -> Bool {
        let number = change { state in
            state.requests.append(request)
            return state.requests.count - 1
        }
        for step in script(number, place) {
            switch step {
            case .send(let bytes): guard send(bytes, on: connection) else { return false }
            case .wait(let gate): gate.wait()
            case .cut: return false
            case .reset:
                reset(connection)
                return false
            case .untilClosed:
                var byte: UInt8 = 0
                while recv(connection, &byte, 1, 0) > 0 {}
                change { $0.hangups += 1 }
                return false
            }
        }
        return true
    }

    private func send(_ bytes: [UInt8], on connection: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// `nil` where the client closed before a whole request.
    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let headEnd = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<headEnd.lowerBound], as: UTF8.self)
                let length = head.split(separator: "\r\n").compactMap { line in
                    line.lowercased().hasPrefix("content-length:")
                        ? Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) : nil
                }.first
                let body = bytes[headEnd.upperBound...]
                if body.count >= length ?? 0 { return Request(head: head, body: Array(body)) }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
            if !wholeRequests { return Request(head: "", body: bytes) }
        }
    }

    /// Has it be reset once whoever reads from it closes it, which is at once.
    private func reset(_ connection: Int32) {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        Glibc.shutdown(connection, Int32(SHUT_RD))
    }

    private func hangUp(_ connection: Int32) { Glibc.shutdown(connection, Int32(SHUT_RDWR)) }

    // MARK: Waiting for what has happened

    private func until(_ condition: @escaping @Sendable (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if condition(state) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    @discardableResult
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, ready) = state.withLock { state in
            let result = body(&state)
            let now = state
            state.waiters.removeAll { $0.when(now) }
            return (result, now.waiters.filter { $0.when(now) })
        }
        for waiter in ready { waiter.resume.resume() }
        return result
    }
}
