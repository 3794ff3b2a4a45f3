import Synchronization
import FoundationEssentials
package import HTTPTypes
package import HummingbirdCore
package import Larder
import LarderAWS
import LarderInspector
package import Logging
package import NIOCore

/// Credentials for any SDK, in the form of a container's endpoint: `/credentials` for the engine's own
/// identity, `/role-arn/ARN` for a role's session.
///
/// SDKs wait a second for an answer, some no longer than that. So what is held and good is handed out
/// at once, and fetched again behind the answer; who has to wait does so for less than a second, and is
/// told to ask again. What has ended is never handed out: SDKs take it for an error of their own.
package final class CredentialsFace: Face {
    /// The session that is asked for, by the role's ARN, or the engine's own.
    package typealias Lender = @Sendable (_ role: String?) throws -> Loan

    private let lend: Lender
    private let signers: KnownSigners
    private let token: AccessToken
    private let clock: AgeClock
    private let patience: @Sendable () async -> Void
    private let logger: Logger?
    private let processes = AskingProcesses()
    /// Those that somebody refreshes though one is held, by the role's ARN.
    private let refreshes = Guarded<[Verbatim: Task<Credentials, any Error>]>([:])

    /// - Parameters:
    ///   - signers: Are told of each session that is handed out.
    ///   - token: What has to stand in a request's Authorization header.
    ///   - logger: Is told at `info` of each session that is handed out: whose it is, the end of its
    ///     key id, and to which process, where the kernel tells.
    ///   - patience: Comes back when nobody waits any longer.
    package init(
        signers: KnownSigners, token: AccessToken, clock: AgeClock = .system,
        logger: Logger? = nil,
        patience: @escaping @Sendable () async -> Void = {
            try? await Task.sleep(for: .milliseconds(800))
        }, lend: @escaping Lender
    ) {
        self.signers = signers
        self.token = token
        self.clock = clock
        self.patience = patience
        self.logger = logger
        self.lend = lend
    }

    private static let own = "/credentials"
    private static let role = "/role-arn/"

    package func takes(_ head: HTTPRequest) -> Bool {
        let path = (head.path ?? "").utf8
        guard path.starts(with: Self.own.utf8) else { return path.starts(with: Self.role.utf8) }
        return [nil, UInt8(ascii: "?")].contains(path.dropFirst(Self.own.utf8.count).first)
    }

    package var largestBody: Int { 4 << 10 }

    package func refuse(_ refusal: Refusal) -> Response {
        let code = refusal.type.split(separator: "#").last.map { String($0) } ?? ""
        let message =
            refusal.status == 413 ? "a request for credentials has no body" : refusal.message
        return Self.refusal(refusal.status, code, message ?? code)
    }

    package func respond(
        to head: HTTPRequest, _ body: ByteBuffer, from sender: Sender
    ) async throws -> Response {
        guard head.method == .get else {
            var response = Self.refusal(
                405, "MethodNotAllowed", "credentials are there for GET alone")
            response.headers[.allow] = "GET"
            return response
        }
        guard let sent = head.headerFields[.authorization] else {
            return Self.refusal(
                401, "MissingAuthenticationToken",
                "the Authorization header is missing: AWS_CONTAINER_AUTHORIZATION_TOKEN holds what "
                    + "belongs there; \(Self.advice)")
        }
        guard token.isExactly(sent) else {
            return Self.refusal(
                403, "AccessDenied",
                "the Authorization header is not what opens this gateway; \(Self.advice)")
        }
        do {
            let role = try Self.role(in: head.path ?? "")
            let loan = try lend(role)
            let keys = try await keys(of: loan, role ?? "")
            if let identity = loan.identity { signers.add(keys, as: identity) }
            log(keys, of: loan.identity ?? role ?? "", to: sender)
            let body = ServedSession(keys: keys, now: Date()).json
            return Self.json(200, body)
        } catch {
            return try Self.refusal(of: error)
        }
    }

    private static var advice: String { SettingNames.inUse.ownKeys }

    /// The role's ARN that a path ends with; `nil` where the engine's own keys are meant.
    private static func role(in path: String) throws(Failure) -> String? {
        guard !path.utf8.contains(UInt8(ascii: "?")) else {
            throw .wrong("there are no parameters here; \(role)ARN or \(own) is the whole path")
        }
        guard path.utf8.starts(with: role.utf8) else { return nil }
        guard let arn = String(path.dropFirst(role.count)).withoutPercents, !arn.isEmpty
        else { throw .wrong("a role's ARN stands behind \(role)") }
        return arn
    }

    /// To find the process takes a moment, which nobody waits for.
    private func log(_ keys: Credentials, of identity: String, to sender: Sender) {
        guard let logger, logger.logLevel <= .info else { return }
        processes.find(sender) { process in
            var facts: Logger.Metadata = [
                "of": "\(PlainText.fit(identity))", "key": "…\(keys.accessKeyID.suffix(4))",
            ]
            if let process { facts["to"] = "\(process.words)" }
            logger.info("credentials handed out", metadata: facts)
        }
    }

    // MARK: Having it

    private func keys(of loan: Loan, _ role: String) async throws -> Credentials {
        let held = loan.held()
        if let held, !held.isShort {
            loan.count()
            if held.isDue { _ = refresh(of: loan, role) }
            return held.keys
        }
        // Of many who wait for the first one each is counted; one alone refreshes what is held.
        let work = held == nil ? Task { try await loan.lookUp() } : refresh(of: loan, role)
        let outcome = await result(of: work)
        if case .success(let keys)? = outcome, keys.expiry.map({ clock.now() < $0 }) ?? true {
            return keys
        }
        if let held = loan.held() { return held.keys }
        guard case .failure(let error)? = outcome else { throw Failure.pending }
        throw error
    }

    private func refresh(of loan: Loan, _ role: String) -> Task<Credentials, any Error> {
        let role = Verbatim(role)
        return refreshes.withLock { refreshes in
            if let task = refreshes[role] { return task }
            let task = Task {
                defer { self.refreshes.withLock { $0[role] = nil } }
                return try await loan.lookUp()
            }
            refreshes[role] = task
            return task
        }
    }

    /// What comes of some work; `nil` where it takes longer than anybody waits. It goes on then: the
    /// next who asks finds what it brings.
    private func result(
        of work: Task<Credentials, any Error>
    ) async -> Result<Credentials, any Error>? {
        await withCheckedContinuation { continuation in
            let waiting = Waiting(continuation)
            let alarm = Task { [patience] in
                await patience()
                waiting.end(nil)
            }
            Task {
                let result = await work.result
                waiting.end(result)
                alarm.cancel()
            }
        }
    }

    /// Who waits, until the first of two tells the end.
    private final class Waiting: Sendable {
        typealias Continuation = CheckedContinuation<Result<Credentials, any Error>?, Never>
        private let continuation: Guarded<Continuation?>

        init(_ continuation: Continuation) { self.continuation = Guarded(continuation) }

        func end(_ result: Result<Credentials, any Error>?) {
            let waiting = continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }
            waiting?.resume(returning: result)
        }
    }

    // MARK: Saying it

    /// Why there is nothing to hand out, where nobody else says so.
    private enum Failure: Error {
        case pending
        case wrong(String)
    }

    /// What is asked for again until it is there, by a program that has the time.
    package static let pending = "CredentialsPending"

    private static func refusal(of error: any Error) throws -> Response {
        switch error {
        case is CancellationError: throw error
        case Failure.pending:
            return refusal(
                503, pending, "the session is being asked for; ask again in a moment")
        case Failure.wrong(let sentence): return refusal(400, "ValidationError", sentence)
        default:
            let known = error as? AWSError
            let isRefused = (error as? any KnownFailure)?.failureKind == .refused
            // 4xx for what no other try will do better, 5xx for what may be over soon.
            let status = !isRefused ? 503 : known?.kind == .invalid ? 400 : 403
            return refusal(
                status,
                known?.code ?? (isRefused ? "CredentialsRefused" : "CredentialsUnavailable"),
                known?.forLogs ?? Refresh.usualWords(error))
        }
    }

    /// Some SDKs read `code` and `message`, others `Code` and `Message`.
    private static func refusal(_ status: Int, _ code: String, _ message: String) -> Response {
        let (code, message) = (Shown.text(code), Shown.text(PlainText.fit(message)))
        return json(
            status,
            .fields([
                .init("code", code), .init("message", message), .init("Code", code),
                .init("Message", message),
            ]))
    }

    private static func json(_ status: Int, _ body: Shown) -> Response {
        Response(
            status: .init(code: status),
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: body.json)))
    }
}
