import HummingbirdCore
import Larder
import LarderInspector
import NIOCore

extension DynamoDBFace {
    /// Items of one table or several: those that are held, and with one request what is not.
    func batchGetItem(_ asked: Asked) async throws -> Response {
        guard
            let request = BatchRequest(
                asked.input, by: asked.signer.identity, region: upstream.region),
            var batch = batch(of: request)
        else { return try await pass(asked) }
        batch.takeWhatIsHeld(at: clock.now())
        guard batch.bytesHeld <= Batch.mostHeld else { return try await pass(asked) }
        let table = request.parts.count == 1 ? request.parts[0].table.name : nil
        guard batch.lacksAny else {
            count(asked, of: table, .hit)
            let body = batch.body(beside: nil, capacity: request.capacity)
            return answers.json(body, .hit, age: batch.age)
        }
        let began = clock.now()
        let reply: WholeReply
        do {
            reply = try await fetching.send(
                "BatchGetItem", batch.request(capacity: request.capacity), signedBy: asked.signer,
                hop: asked.hop, upTo: 20 << 20)
        } catch {
            count(asked, of: table, nil)
            throw error
        }
        guard reply.status == 200 else {
            count(asked, of: table, .pass)
            return passed(reply)
        }
        guard let fetched = Batch.Fetched(reply.body), batch.isAnswered(by: fetched) else {
            // It is an answer to something, and it is not known to what.
            return try await pass(asked)
        }
        count(asked, of: table, .miss)
        batch.keep(fetched, readAt: began, landing: fetching.landings.next()) {
            tables.prove($0, $1)
        }
        return answers.json(
            batch.body(beside: fetched, capacity: request.capacity),
            id: reply.first("x-amzn-requestid"), .miss, age: batch.age)
    }

    private func batch(of request: BatchRequest) -> Batch? {
        var parts: [Batch.Part] = []
        for part in request.parts {
            guard let table = tables.table(part.table.name) else { return nil }
            var keys: [Batch.Key] = []
            for key in part.keys {
                guard let found = table.key(key.values, part.meaning) else { return nil }
                keys.append(
                    .init(
                        written: key.written, key: found, epoch: table.epoch(of: key.values)))
            }
            parts.append(.init(request: part, table: table, keys: keys))
        }
        return Batch(parts: parts)
    }
}

/// The parts of a `BatchGetItem`, with what is held of them.
struct Batch {
    var parts: [Part]
    private(set) var bytesHeld = 0
    /// Of the oldest of what is held.
    private(set) var age = Duration.zero

    /// A reply has 16 MB at most; what might be more the service has to cut into pages.
    static let mostHeld = 8 << 20

    struct Part {
        var request: BatchRequest.Part
        var table: Table
        var keys: [Key]

        var lacking: [Key] { keys.filter { $0.held == nil } }
    }

    struct Key {
        var written: JSONPart
        var key: ItemKey
        /// Before anything was asked.
        var epoch: RecentWrites.Epoch
        var held: CachedItem?
    }

    init(parts: [Part]) { self.parts = parts }

    var lacksAny: Bool { parts.contains { !$0.lacking.isEmpty } }

    mutating func takeWhatIsHeld(at now: AgeInstant) {
        for part in parts.indices {
            for key in parts[part].keys.indices {
                let held = parts[part].table.cache.cached(parts[part].keys[key].key)
                parts[part].keys[key].held = held
                guard let held else { continue }
                bytesHeld += held.body.readableBytes
                age = max(age, now - held.readAt)
            }
        }
    }

    /// For what is lacking, in the caller's own words.
    func request(capacity: GetRequest.Capacity?) -> ByteBuffer {
        var body = ByteBuffer(string: "{\"RequestItems\":{")
        for (place, part) in parts.filter({ !$0.lacking.isEmpty }).enumerated() {
            if place > 0 { body.writeStaticString(",") }
            body.writeString(Shown.text(part.request.tableText).json)
            body.writeStaticString(":{\"Keys\":")
            body.writeList(part.lacking.map(\.written.raw))
            if part.lacking.contains(where: { part.table.isRecent($0.key.values) }) {
                body.writeStaticString(",\"ConsistentRead\":true")
            }
            for field in part.request.meaning.projection?.fields ?? [] {
                body.writeString(",\(Shown.text(field.name).json):\(field.value.json)")
            }
            body.writeStaticString("}")
        }
        body.writeStaticString("}")
        if let capacity {
            body.writeString(",\"ReturnConsumedCapacity\":\"\(capacity.rawValue)\"")
        }
        body.writeStaticString("}")
        return body
    }

    // MARK: What the service says

    struct Fetched {
        /// By table, as the service names it.
        var items: [(table: String, items: [JSONPart])]
        var unprocessed: JSONPart?
        var capacity: [JSONPart]?

        /// `nil` where it is not understood to the last of its members.
        init?(_ body: ByteBuffer) {
            guard let members = JSONPart(Array(body.readableBytesView))?.members else { return nil }
            items = []
            for member in members {
                switch member.name {
                case "Responses":
                    guard let tables = member.value.members else { return nil }
                    for table in tables {
                        guard let found = table.value.items else { return nil }
                        items.append((table.name, found))
                    }
                case "UnprocessedKeys":
                    guard
                        member.value.members?.allSatisfy({ $0.value["Keys"]?.items != nil })
                            ?? false
                    else { return nil }
                    unprocessed = member.value
                case "ConsumedCapacity":
                    guard let parts = member.value.items else { return nil }
                    capacity = parts
                default: return nil
                }
            }
        }

        func items(of table: String) -> [JSONPart] {
            items.first { $0.table.isExactly(table) }?.items ?? []
        }
    }

    /// Whether all that came is of the tables that were asked for.
    func isAnswered(by fetched: Fetched) -> Bool {
        fetched.items.allSatisfy { found in
            parts.contains { $0.request.tableText.isExactly(found.table) }
        }
    }

    /// Keeps what came, and that the rest is not there, where it is certain which is which.
    func keep(
        _ fetched: Fetched, readAt: AgeInstant, landing: UInt64,
        prove: (Table, KeySchema) -> Bool
    ) {
        for part in parts where !part.lacking.isEmpty {
            let schema = part.request.meaning.schema
            let items = fetched.items(of: part.request.tableText)
            var found: [KeyValues: JSONPart] = [:]
            for item in items { if let key = KeyValues(of: item, schema) { found[key] = item } }
            // A projection may leave out what an item is known by.
            guard found.count == items.count, prove(part.table, schema) else { continue }
            let left = fetched.unprocessed?[part.request.tableText]?["Keys"]?.items ?? []
            let unprocessed = Set(left.compactMap { KeyValues(of: $0, schema) })
            guard unprocessed.count == left.count else { continue }
            for key in part.lacking where !unprocessed.contains(key.key.values) {
                let item = CachedItem(
                    found[key.key.values]?.raw, capacity: 0, readAt: readAt, landing: landing)
                part.table.keep(item, for: key.key, readIn: key.epoch)
            }
        }
    }

    // MARK: The answer

    func body(beside fetched: Fetched?, capacity: GetRequest.Capacity?) -> ByteBuffer {
        var body = ByteBuffer(string: "{\"Responses\":{")
        for (place, part) in parts.enumerated() {
            if place > 0 { body.writeStaticString(",") }
            body.writeString(Shown.text(part.request.tableText).json)
            body.writeStaticString(":")
            let held = part.keys.compactMap(\.held).filter { !$0.isMissing }.map {
                Array($0.item)[...]
            }
            let others = fetched?.items(of: part.request.tableText).map(\.raw) ?? []
            body.writeList(held + others)
        }
        body.writeStaticString("},\"UnprocessedKeys\":")
        if let unprocessed = fetched?.unprocessed {
            body.writeBytes(unprocessed.raw)
        } else {
            body.writeStaticString("{}")
        }
        if let told = told(fetched, capacity) {
            body.writeStaticString(",\"ConsumedCapacity\":")
            body.writeList(told)
        }
        body.writeStaticString("}")
        return body
    }

    /// The capacity that the service tells, and none for the tables that it was not asked for.
    private func told(
        _ fetched: Fetched?, _ capacity: GetRequest.Capacity?
    ) -> [ArraySlice<UInt8>]? {
        let said = fetched?.capacity?.map(\.raw)
        guard let capacity, capacity != .none else { return said }
        let others = parts.filter { fetched == nil || $0.lacking.isEmpty }.map { part in
            ConsumedCapacity(
                table: part.request.tableText, units: 0, hasParts: capacity == .indexes)
        }
        return (said ?? []) + others.map { Array($0.json.json.utf8)[...] }
    }
}

extension ByteBuffer {
    /// A list in JSON, of what is JSON already.
    fileprivate mutating func writeList(_ items: [ArraySlice<UInt8>]) {
        writeStaticString("[")
        for (place, item) in items.enumerated() {
            if place > 0 { writeStaticString(",") }
            writeBytes(item)
        }
        writeStaticString("]")
    }
}
