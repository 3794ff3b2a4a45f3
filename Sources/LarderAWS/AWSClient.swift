import AsyncHTTPClient
import FoundationEssentials
public import Larder
import LarderInspector
public import Logging
import NIOCore
import NIOHTTP1

/// Sends signed requests to DynamoDB and STS, over one pool of connections.
public struct AWSClient: Sendable {
    /// Who signs: asked before every request, so that credentials may come from a cache.
    public typealias CredentialSource = @Sendable () async throws -> Credentials

    /// Such as `eu-west-1`; without the `fips-` that may stand in the name of an endpoint.
    public let region: String
    let clock: AgeClock
    /// Other addresses than AWS's, by service.
    private let endpoints: @Sendable (String) throws -> Endpoint?
    private let variant: Endpoint.Variant
    let network: Network
    private let credentials: CredentialSource
    let deadlines: Deadlines
    /// Who gives the credentials, as an error names it.
    private let signerName: String
    let notices: Notices
    private let retries: Retries
    let skew: ClockSkew
    private let reject: Rejection?
    let tally: Tally
    private var logger: Logger?

    /// Told of an access key id that a service does not know any more, or whose session has ended;
    /// returns whether the next try may have another key.
    public typealias Rejection = @Sendable (String) async -> Bool

    /// - Parameters:
    ///   - region: Such as `eu-west-1`.
    ///   - endpointURL: Another address than AWS's for every service.
    ///   - deadline: Most time for a call, from its start to the last byte of the reply, retries
    ///     included; what the credentials take is not.
    ///   - attemptDeadline: Most time for one attempt, so that a reply that does not come leaves
    ///     time for another.
    ///   - attempts: Most attempts a call, the first included; `nil` for the SDKs' own 3, and 4 at
    ///     DynamoDB.
    ///   - clock: By which the credentials that it is given by STS end.
    ///   - credentials: Asked before every request for what to sign it with.
    /// - Throws: ``AWSError`` where the region or the endpoint cannot be one.
    public init(
        region: String, endpointURL: String? = nil, deadline: Duration = .seconds(10),
        attemptDeadline: Duration = .seconds(4), attempts: Int? = nil,
        clock: AgeClock = .system, credentials: @escaping CredentialSource
    ) throws {
        try self.init(
            region: region, endpointURL: endpointURL, deadline: deadline,
            attemptDeadline: attemptDeadline, retries: Retries(most: attempts), clock: clock,
            credentials: credentials)
    }

    init(
        region: String, endpointURL: String?, deadline: Duration,
        attemptDeadline: Duration = .seconds(4), credentialsDeadline: Duration = .seconds(120),
        retries: Retries, notices: Notices = Notices(), clock: AgeClock,
        credentials: @escaping CredentialSource
    ) throws {
        let endpoint = try endpointURL.map { try Endpoint($0) }
        try self.init(
            region: region, endpoints: { _ in endpoint }, network: NetworkSettings(),
            deadlines: Deadlines(
                call: deadline, attempt: attemptDeadline, credentials: credentialsDeadline),
            retries: retries, notices: notices, clock: clock, credentials: credentials)
    }

    init(
        region: String, endpoints: @escaping @Sendable (String) throws -> String?,
        network: NetworkSettings, deadlines: Deadlines = Deadlines(), notices: Notices = Notices(),
        clock: AgeClock,
        credentials: @escaping CredentialSource
    ) throws {
        // What is wrong with an address is said now.
        for service in ["dynamodb", DynamoDBStreams.service, "sts"] {
            _ = try endpoints(service).map { try Endpoint($0) }
        }
        try self.init(
            region: region, endpoints: { try endpoints($0).map { try Endpoint($0) } },
            network: network, deadlines: deadlines, retries: Retries(most: network.attempts),
            notices: notices, clock: clock, credentials: credentials)
    }

    private init(
        region: String, endpoints: @escaping @Sendable (String) throws -> Endpoint?,
        network: NetworkSettings, deadlines: Deadlines, retries: Retries, notices: Notices,
        clock: AgeClock, credentials: @escaping CredentialSource
    ) throws {
        guard Self.isRegion(region) else {
            throw AWSError(
                .invalid,
                "\"\(AWSError.printable(region))\" is no region; write one such as eu-west-1")
        }
        guard region != "local" || !network.variant.isFIPS && !network.variant.isDualStack else {
            throw AWSError(
                .invalid, "the region local has no FIPS or dual-stack endpoints; leave them out")
        }
        // The names that such endpoints had before there was a setting for them.
        let bare = region.replacing("fips-", with: "").replacing("-fips", with: "")
        self.region = bare
        variant = Endpoint.Variant(
            isFIPS: network.variant.isFIPS || bare != region,
            isDualStack: network.variant.isDualStack, isGlobalSTS: network.variant.isGlobalSTS)
        self.clock = clock
        self.deadlines = deadlines
        self.notices = notices
        self.credentials = credentials
        signerName = "whoever gives the credentials"
        self.retries = retries
        skew = ClockSkew()
        reject = nil
        tally = Tally()
        self.endpoints = endpoints
        self.network = Network(network)
    }

    private init(
        _ other: AWSClient, credentials: @escaping CredentialSource, name: String?,
        reject: Rejection?
    ) {
        region = other.region
        clock = other.clock
        deadlines = other.deadlines
        notices = other.notices
        endpoints = other.endpoints
        variant = other.variant
        network = other.network
        retries = other.retries
        tally = other.tally
        skew = other.skew
        logger = other.logger
        signerName = name ?? other.signerName
        self.credentials = credentials
        self.reject = reject
    }

    /// The same client, signing with other credentials.
    ///
    /// - Parameters:
    ///   - credentials: Asked before every request for what to sign it with.
    ///   - name: Who gives them, as an error names it; never a secret.
    ///   - reject: What to do about a key id that a service rejects; the call is then made once
    ///     more.
    public func signing(
        with credentials: @escaping CredentialSource, from name: String? = nil,
        reject: Rejection? = nil
    ) -> AWSClient {
        AWSClient(self, credentials: credentials, name: name, reject: reject)
    }

    /// The same client, which tells a logger what becomes of its calls: at `notice` that a service
    /// throttles, that a key is rejected and that this machine's clock is wrong, at `info` that a
    /// request is sent again and at `debug` each call that succeeded. No line has a secret, a key id
    /// or what was asked for.
    public func logging(to logger: Logger?) -> AWSClient {
        var client = self
        client.logger = logger
        return client
    }

    /// The credentials that the next request would be signed with.
    public func signer() async throws -> Credentials { try await credentials() }

    /// Passes on that a service rejects a key id; returns whether it may be another one now.
    public func reject(_ id: String) async -> Bool { await reject?(id) ?? false }

    /// What was called so far, with what came of it; operations in order of name.
    public var operations: [OperationTally] { tally.all }

    /// Reads items, over this client's connections.
    public var dynamoDB: DynamoDB { DynamoDB(client: self) }
    /// Assumes roles, over this client's connections.
    public var sts: STS { STS(client: self) }

    /// Makes new connections from now on: after this process has stood still, those it has may be
    /// dead on the other side. Requests under way keep theirs.
    package func reconnect() { network.reconnect() }

    /// Closes the connections; requests under way fail. To be called once, before the last copy of
    /// the client goes.
    public func shutdown() async { await network.shutdown() }

    /// Whether a text may name a region.
    static func isRegion(_ text: String) -> Bool {
        text.wholeMatch(of: /[a-z0-9-]{1,64}/) != nil
    }

    // MARK: Sending

    /// There were no credentials to sign with.
    private struct Unsigned: Error {
        let reason: any Error
    }

    /// Largest reply that is read: DynamoDB's largest is 16 MB.
    static let largestReply = 20 << 20

    /// What a service answered.
    struct Reply {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]

        /// How long the service asks to wait: in milliseconds as AWS says it, or in seconds.
        var retryAfter: Duration? {
            func number(_ name: String) -> Int64? {
                headers.first(name: name).flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
            }
            return number("x-amz-retry-after").map { .milliseconds($0) }
                ?? number("Retry-After").map { .seconds($0) }
        }
    }

    /// An operation of a service, as it goes from here.
    ///
    /// - Parameter place: The name by which settings know its address, where that is not the
    ///   service's signing name.
    func call(
        _ service: String, _ operation: String, _ subject: String, at place: String? = nil
    ) -> Call {
        let place = place ?? service
        let given = (try? endpoint(of: place)) ?? nil
        let endpoint = given ?? Endpoint(service: place, region: region, variant)
        return Call(
            service: service, operation: operation, subject: subject, endpoint: endpoint,
            proxy: network.proxies.proxy(for: endpoint.url), region: region)
    }

    /// Another address for a service than AWS's.
    func endpoint(of service: String) throws -> Endpoint? { try endpoints(service) }

    /// Fetches from an endpoint nearby, unsigned: it is not one of AWS's services, and gives keys.
    ///
    /// - Returns: `nil` where there was no whole answer within the limit.
    func fetch(
        _ method: String, _ url: String, _ headers: [(String, String)], within limit: Duration
    ) async throws -> Reply? {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let prepared = request
        do {
            return try await within(limit) {
                let response = try await network.execute(prepared, isNearby: true)
                let buffer = try await response.body.collect(upTo: 1 << 20)
                return Reply(
                    status: Int(response.status.code), headers: response.headers,
                    body: Array(buffer.readableBytesView))
            }
        } catch {
            try Task.checkCancellation()
            return nil
        }
    }

    /// Waits before an endpoint nearby is asked once more.
    func pause(_ time: Duration) async throws { try await retries.pause(time) }

    /// Signs, sends and reads the reply, as often as it takes.
    ///
    /// - Parameter decode: Makes something of a whole reply, whatever its status, or throws an
    ///   ``AWSError`` that says what is wrong with it; it is told the call with who signed it.
    func send<Output: Sendable>(
        _ call: Call, headers: [(name: String, value: String)], body: [UInt8],
        decode: @escaping @Sendable (Reply, Call) throws -> Output
    ) async throws -> Output {
        tally.count(call.operation) { $0.calls += 1 }
        do {
            return try await attempts(call, headers, body, decode)
        } catch let unsigned as Unsigned {
            tally.count(call.operation) { $0.failures["no credentials", default: 0] += 1 }
            throw unsigned.reason
        } catch {
            try Task.checkCancellation()
            let failure = failure(of: call, error)
            tally.count(call.operation) {
                $0.failures[failure.code ?? failure.kind.description, default: 0] += 1
            }
            throw failure
        }
    }

    private func attempts<Output>(
        _ call: Call, _ headers: [(name: String, value: String)], _ body: [UInt8],
        _ decode: (Reply, Call) throws -> Output
    ) async throws -> Output {
        var call = call
        var began = ContinuousClock.now
        var (retry, cost) = (0, Int?.none)
        var (isHealed, isSet) = (false, false)
        while true {
            // Again before every attempt: they may have ended since the last.
            let asked = ContinuousClock.now
            let signer = try await call.isSigned ? self.signer(for: call) : nil
            if let signer { call.keys = signer.source }
            // What the credentials took is not the service's time.
            began += ContinuousClock.now - asked
            let end = began + deadlines.call
            var date: String?
            do {
                let request = signed(call, headers, body, signer)
                let reply = try await within(min(deadlines.attempt, end - ContinuousClock.now)) {
                    [call] in
                    try await exchange(call, request)
                }
                date = reply.headers.first(name: "Date")
                do {
                    let output = try decode(reply, call)
                    retries.succeeded(cost)
                    let took = ContinuousClock.now - began
                    tally.count(call.operation) { $0.latency.add(took) }
                    log(.debug, call, "answered", ["took": "\(Units.text(took))"])
                    return output
                } catch var error as AWSError {
                    error.retryAfter = reply.retryAfter
                    throw error
                }
            } catch {
                try Task.checkCancellation()
                let error = failure(of: call, error)
                if error.kind == .throttled {
                    tally.count(call.operation) { $0.throttles += 1 }
                }
                if !isSet, error.isAboutSignature, skew.learn(from: date.flatMap(STS.httpDate)) {
                    isSet = true
                    log(.notice, call, "this machine's clock is wrong: signed by the service's")
                } else if !isHealed, [.expiredToken, .unknownKey].contains(error.kind),
                    let signer, await reject?(signer.accessKeyID) == true
                {
                    isHealed = true
                    log(.notice, call, "the service rejects the key: other credentials are taken")
                } else {
                    let delay = Retries.delay(retry, error, service: call.service)
                    guard retry + 1 < retries.most(for: call.service),
                        let price = Retries.cost(error), ContinuousClock.now + delay < end,
                        retries.spend(price)
                    else { throw error }
                    let isThrottled = error.kind == .throttled
                    log(
                        isThrottled ? .notice : .info, call,
                        isThrottled ? "throttled: sent again" : "failed in passing: sent again",
                        [
                            "attempt": "\(retry + 2)", "after": "\(Units.text(delay))",
                            "failure": "\(error.code ?? error.kind.description)",
                        ])
                    try await retries.pause(delay)
                    cost = price
                    retry += 1
                }
                tally.count(call.operation) { $0.retries += 1 }
            }
        }
    }

    private func log(
        _ level: Logger.Level, _ call: Call, _ message: Logger.Message,
        _ facts: @autoclosure () -> Logger.Metadata = [:]
    ) {
        logger?.log(
            level: level, message,
            metadata: facts().merging([
                "service": "\(call.service)", "operation": "\(call.operation)",
            ]) { $1 })
    }

    /// Credentials for a request, in the time that there is for them.
    private func signer(for call: Call) async throws -> Credentials {
        do {
            return try await within(deadlines.credentials) { try await credentials() }
        } catch let late as Late {
            let waited = Units.text(late.limit)
            var error = call.error(
                .noCredentials, "\(signerName) gave no credentials within \(waited)")
            error.isLate = true
            throw Unsigned(reason: error)
        } catch {
            throw Unsigned(reason: error)
        }
    }

    /// Waits before work that was left over is asked for again.
    func rest(_ times: Int) async throws {
        try await retries.pause(.seconds(.random(in: 0..<0.05) * Double(1 << min(times, 8))))
    }

    private func signed(
        _ call: Call, _ headers: [(name: String, value: String)], _ body: [UInt8],
        _ signer: Credentials?
    ) -> HTTPClientRequest {
        let signed = SignedRequest(
            path: call.endpoint.path, headers: [("Host", call.endpoint.host)] + headers, body: body)
        let signature = Signature(
            region: call.endpoint.signingRegion ?? region, service: call.service)
        var request = HTTPClientRequest(url: call.endpoint.url)
        request.method = .POST
        let proof = signer.map { signature.headers(for: signed, $0, at: skew.now) } ?? []
        for header in signed.headers + proof {
            request.headers.add(name: header.name, value: header.value)
        }
        request.headers.add(name: "User-Agent", value: "larder")
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }

    private func exchange(_ call: Call, _ request: HTTPClientRequest) async throws -> Reply {
        let response = try await network.execute(request)
        if (300..<400).contains(response.status.code) {
            throw call.error(
                .garbage,
                "\(call.endpoint.url) answered with a redirect, which is not followed; check "
                    + SettingNames.inUse.endpointURL)
        }
        let buffer = try await response.body.collect(upTo: Self.largestReply)
        return Reply(
            status: Int(response.status.code), headers: response.headers,
            body: Array(buffer.readableBytesView))
    }

    /// Something did not come in its time.
    struct Late: Error {
        var limit: Duration
    }

    /// The HTTP client's own deadline ends with a reply's head; this one covers the body too.
    func within<Output: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        try await withThrowingTaskGroup(of: Output.self) { group in
            group.addTask(operation: work)
            group.addTask {
                try await Task.sleep(for: limit)
                throw Late(limit: limit)
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }
}

/// Calls `body` with a client whose connections are closed at the end, however that comes.
///
/// ```swift
/// try await withAWSClient(region: "eu-west-1", credentials: source) { client in
///     try await client.sts.assumeRole("arn:aws:iam::222222222222:role/reader")
/// }
/// ```
///
/// - Throws: What ``AWSClient/init(region:endpointURL:deadline:attemptDeadline:attempts:clock:credentials:)``
///   or `body` throws.
nonisolated(nonsending) public func withAWSClient<Result>(
    region: String, endpointURL: String? = nil, deadline: Duration = .seconds(10),
    attemptDeadline: Duration = .seconds(4), attempts: Int? = nil, clock: AgeClock = .system,
    credentials: @escaping AWSClient.CredentialSource,
    _ body: (AWSClient) async throws -> Result
) async throws -> Result {
    let client = try AWSClient(
        region: region, endpointURL: endpointURL, deadline: deadline,
        attemptDeadline: attemptDeadline, attempts: attempts, clock: clock,
        credentials: credentials)
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}
