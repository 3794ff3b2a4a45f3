import Synchronization
import HummingbirdCore
import Larder
import LarderInspector
import NIOCore

extension DynamoDBFace {
    /// An item: from its table's cache where the request is understood, and else from the service.
    func getItem(_ asked: Asked) async throws -> Response {
        guard
            let request = GetRequest(
                asked.input, by: asked.signer.identity, region: upstream.region),
            let table = tables.table(request.table.name),
            let key = table.key(request.values, request.meaning)
        else { return try await pass(asked) }
        let began = fetching.landings.last
        let lead = Lead()
        let item: CachedItem
        do {
            item = try await table.cache.value(for: key) { [self] in
                let fetched = try await fetching.fetch(
                    key, of: table, signedBy: asked.signer, hop: asked.hop
                ) { tables.prove($0, $1) }
                lead.take(fetched)
                return fetched.item
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            count(asked, of: table.name, nil)
            throw (error as? FetchFailure) ?? .nothing("\(error)")
        }
        let fetched = lead.fetched
        let outcome: Outcome =
            fetched != nil
            ? .miss
            : item.landing > began ? .joined : table.isLive(key, item) ? .hit : .stale
        let age = clock.now() - item.readAt
        count(
            asked, of: table.name, outcome,
            cost: fetched.map { _ in .init(time: age, capacity: item.capacity) })
        return answer(item, request, outcome, id: fetched?.id, age: age)
    }

    private func answer(
        _ item: CachedItem, _ request: GetRequest, _ outcome: Outcome, id: String?, age: Duration
    ) -> Response {
        guard request.capacity != .none else {
            return answers.json(item.body, checksum: item.checksum, id: id, outcome, age: age)
        }
        // What was not read took nothing.
        let units = outcome == .miss ? item.capacity : 0
        let told = ConsumedCapacity(
            table: request.tableText, units: units, hasParts: request.capacity == .indexes)
        var body = ByteBuffer(string: "{\"ConsumedCapacity\":\(told.json.json)")
        if !item.isMissing {
            body.writeStaticString(",\"Item\":")
            body.writeBytes(item.item)
        }
        body.writeStaticString("}")
        return answers.json(body, id: id, outcome, age: age)
    }
}

/// What the one brings who fetches for all that wait.
private final class Lead: Sendable {
    private let state = Guarded<ItemFetch.Fetched?>(nil)

    func take(_ fetched: ItemFetch.Fetched) { state.withLock { $0 = fetched } }
    var fetched: ItemFetch.Fetched? { state.withLock { $0 } }
}

/// Capacity units as a reply tells them.
struct ConsumedCapacity {
    var table: String
    var units: Double
    /// Whether the table's own are told apart from its indexes'.
    var hasParts: Bool

    var json: Shown {
        let number = Shown.number("\(units)")
        let parts =
            hasParts ? [Shown.Field("Table", .fields([.init("CapacityUnits", number)]))] : []
        return .fields(
            [.init("CapacityUnits", number)] + parts + [.init("TableName", .text(table))])
    }
}

extension Table {
    /// Whether an entry is served in its life; past its end it is served because fetches fail, or
    /// until one that is under way has landed.
    func isLive(_ key: ItemKey, _ item: CachedItem) -> Bool {
        guard let facts = cache.peek(key)?.facts else {
            // It may have gone since, with good reason.
            return cache.configuration.ttl.map { cache.clock.now() - item.readAt < $0 } ?? true
        }
        return !facts.isStale
    }
}
