import Synchronization
package import HTTPTypes
package import HummingbirdCore
package import Larder
import LarderAWS
package import LarderInspector
package import NIOCore

/// A faithful endpoint of DynamoDB for every table of its region, with a cache before each.
///
/// Whatever is not fully understood goes on byte for byte, signed anew with the caller's own keys.
/// What is answered here the service has answered before: to the same identity, the same key and the
/// same words. Errors are the service's own.
package final class DynamoDBFace: Sendable {
    let upstream: any Upstream
    let signers: KnownSigners
    let answers = Answers()
    let clock: AgeClock
    let tables: Tables
    let fetching: ItemFetch
    let counts: Askers
    private let verifier: Verifier
    private let acceptsUnsigned: Bool
    /// By which a request is known that has been here before.
    private let instance: String

    /// - Parameters:
    ///   - bounds: Those of a table's cache, by the table's name.
    ///   - acceptsUnsigned: Requests without a signature, or with keys that nobody knows, have the
    ///     engine's own permission. For play.
    package init(
        _ upstream: any Upstream, signers: KnownSigners, inspector: LocalInspector,
        bounds: @escaping @Sendable (String) -> CacheConfiguration,
        acceptsUnsigned: Bool = false, isWatched: Bool = true, mostTables: Int = 1000,
        clock: AgeClock = .system,
        now: @escaping @Sendable () -> Int64
    ) {
        self.upstream = upstream
        self.signers = signers
        self.acceptsUnsigned = acceptsUnsigned
        self.clock = clock
        instance = inspector.instance
        verifier = Verifier(signers: signers, region: upstream.region, now: now)
        let fetching = ItemFetch(upstream: upstream, signers: signers, clock: clock)
        self.fetching = fetching
        let (own, hop, counts) = (Itself(), inspector.instance, Askers())
        self.counts = counts
        tables = Tables(
            inspector, bounds: bounds, isWatched: isWatched, most: mostTables, clock: clock,
            units: { counts.units(of: $0) }
        ) { table, key in
            guard let signer = await signers.signer(of: key.form.meaning.identity) else {
                throw FetchFailure.nothing(
                    "the keys of \(key.form.meaning.identity.name) are not known any more")
            }
            return try await fetching.fetch(key, of: table, signedBy: signer, hop: hop) {
                own.face?.tables.prove($0, $1) ?? false
            }.item
        }
        own.face = self
    }

    private final class Itself: Sendable {
        private let state = Guarded(Weak())
        private struct Weak { weak var face: DynamoDBFace? }
        var face: DynamoDBFace? {
            get { state.withLock { $0.face } }
            set { state.withLock { $0.face = newValue } }
        }
    }

    /// Lets go of all that is held of every table, and of what is being fetched.
    package func forgetEverything() { tables.forgetEverything() }

    /// Lets go of what is held, though nothing was written.
    package func forgetWhatIsHeld() { for table in tables.all { table.cache.invalidateAll() } }

    /// Has nobody who asks from now on wait for what is being fetched.
    package func disownFetches() { for table in tables.all { table.cache.disownFetches() } }

    /// Requests that were answered without a call of their own, of however many items each.
    package var answered: UInt64 { counts.answered }

    /// What the tables' caches have counted, those included that never answered.
    package var snapshots: [CacheSnapshot] { tables.all.map { $0.cache.snapshot() } }

    /// The item of that key was written by somebody who does not come by here.
    package func wrote(_ key: Shown, of table: String, by actor: Operator) {
        guard let item = JSONPart(Array(key.json.utf8)) else { return }
        tables.known(Verbatim(table))?.wrote(item, by: actor)
    }

    /// Items of the table may have been.
    package func wroteAnything(to table: String, by actor: Operator) {
        tables.known(Verbatim(table))?.wroteAnything(by: actor)
    }

    /// Who asked for which table, and what came of it, those that asked most first.
    package var askers: [GatewayReport.Asker] { counts.all }

    /// A request whose sender is known.
    struct Asked: Sendable {
        var operation: Operation
        var head: HTTPRequest
        var body: ByteBuffer
        var input: JSONPart
        var signer: KnownSigner
        var hop: String
        var sender: Sender
    }

    /// Answers a request whose body is there.
    package func respond(
        to head: HTTPRequest, _ body: ByteBuffer, from sender: Sender
    ) async throws -> Response {
        guard head.method == .post else {
            return head.method == .get && head.path == "/"
                ? health() : answers.unknown()
        }
        do {
            return try await answer(head, body, sender)
        } catch let refusal as Refusal {
            counts.count(nil, by: nil, nil, agent: head.headerFields[.userAgent], from: sender)
            return answers.refusal(refusal)
        } catch let failure as FetchFailure {
            return answer(to: failure)
        }
    }

    /// Counts a request whose sender is known; where it came to nothing there is no outcome.
    func count(
        _ asked: Asked, of table: Verbatim?, _ outcome: Outcome?, cost: Askers.Cost? = nil
    ) {
        counts.count(
            table, by: asked.signer.identity, outcome, cost: cost,
            agent: asked.head.headerFields[.userAgent], from: asked.sender)
    }

    private func answer(
        _ head: HTTPRequest, _ body: ByteBuffer, _ sender: Sender
    ) async throws -> Response {
        // In the order in which the service looks (dynalite's notes of it).
        guard head.path == "/", isJSON(head.headerFields[.contentType]) else {
            return answers.unknown()
        }
        let bytes = Array(body.readableBytesView)
        guard let input = JSONPart(bytes.isEmpty ? Array("{}".utf8) : bytes) else {
            throw Refusal.serialization
        }
        guard let operation = Operation(target: head.headerFields[.amzTarget]) else {
            throw Refusal.unknownOperation
        }
        let signer = try await signer(of: head, bytes[...])
        guard !bytes.isEmpty, input.isObject else { throw Refusal.serialization }
        let hop = try LoopCheck.next(head.headerFields, own: instance)
        let asked = Asked(
            operation: operation, head: head, body: body, input: input, signer: signer, hop: hop,
            sender: sender)
        switch operation.name {
        case "DescribeEndpoints":
            // Whoever is told of one leaves.
            return answers.json(ByteBuffer(string: "{\"Endpoints\":[]}"))
        case "GetItem" where !upstream.isCache:
            return try await getItem(asked)
        case "BatchGetItem" where !upstream.isCache:
            return try await batchGetItem(asked)
        default: return try await pass(asked)
        }
    }

    private func isJSON(_ type: String?) -> Bool {
        guard let type else { return false }
        return ["application/x-amz-json-1.0", "application/json"].contains {
            type.utf8.starts(with: $0.utf8)
        }
    }

    private func health() -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain"],
            body: .init(byteBuffer: ByteBuffer(string: "healthy: larder \(upstream.region) \n")))
    }

    private func signer(
        of head: HTTPRequest, _ body: ArraySlice<UInt8>
    ) async throws -> KnownSigner {
        do {
            return try await verifier.signer(of: head, body)
        } catch {
            guard acceptsUnsigned, error.isUnknownSender, let own = try await signers.own() else {
                throw error
            }
            return own
        }
    }

    /// What whoever asked is told of a fetch that brought nothing.
    func answer(to failure: FetchFailure) -> Response {
        switch failure {
        case .reply(let reply), .unkept(let reply): passed(reply)
        case .nothing(let sentence): answers.refusal(.unreachable(sentence))
        }
    }
}
