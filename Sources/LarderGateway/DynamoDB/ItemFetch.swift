import Larder
import LarderAWS
import LarderInspector
import NIOCore
import Synchronization

/// Fetches an item in the name of somebody.
struct ItemFetch: Sendable {
    let upstream: any Upstream
    let signers: KnownSigners
    let clock: AgeClock
    let landings = Landings()

    /// Largest reply to a request for one item: 400 KB of it may be written in six bytes each.
    private static let largest = 4 << 20

    /// What the service said, and its own id of the request.
    struct Fetched: Sendable {
        var item: CachedItem
        var id: String?
    }

    func fetch(
        _ key: ItemKey, of table: Table, signedBy signer: KnownSigner, hop: String,
        prove: (Table, KeySchema) -> Bool
    ) async throws -> Fetched {
        let began = clock.now()
        let body = key.request(table: table.name, isConsistent: table.isRecent(key.values))
        let reply = try await send("GetItem", body, signedBy: signer, hop: hop)
        guard reply.status == 200 else { throw FetchFailure.reply(reply) }
        guard let members = JSONPart(Array(reply.body.readableBytesView))?.members,
            members.allSatisfy({ ["Item", "ConsumedCapacity"].contains($0.name) })
        else { throw FetchFailure.unkept(reply) }
        let item = members.first { $0.name == "Item" }?.value
        guard item?.isObject ?? true, prove(table, key.form.meaning.schema) else {
            throw FetchFailure.unkept(reply)
        }
        let units = members.first { $0.name == "ConsumedCapacity" }?.value["CapacityUnits"]
        return Fetched(
            item: CachedItem(
                item?.raw, capacity: units?.number ?? 0, readAt: began, landing: landings.next()),
            id: reply.first("x-amzn-requestid"))
    }

    /// Sends a request that reads, and a second time where the connection, or the reply, was broken.
    func send(
        _ operation: String, _ body: ByteBuffer, signedBy signer: KnownSigner, hop: String,
        upTo limit: Int = largest
    ) async throws -> WholeReply {
        let request = ForwardedRequest(
            operation: operation,
            headers: [
                ("Content-Type", "application/x-amz-json-1.0"),
                ("X-Amz-Target", Operation.prefix + operation), (LoopCheck.header, hop),
                ("User-Agent", "larder"),
            ], body: body)
        do {
            return try await whole(request, signer, limit)
        } catch let error as Broken {
            try Task.checkCancellation()
            do { return try await whole(request, signer, limit) } catch let again as Broken {
                throw FetchFailure.nothing(again.sentence)
            } catch is CancellationError {
                throw FetchFailure.nothing(error.sentence)
            }
        }
    }

    /// There was half of a reply, or one that is not what its checksum says.
    private struct Broken: Error {
        var sentence: String
    }

    private func whole(
        _ request: ForwardedRequest, _ signer: KnownSigner, _ limit: Int
    ) async throws -> WholeReply {
        let reply: WholeReply
        do {
            let got = try await upstream.send(request, signedBy: signer.keys)
            reply = WholeReply(
                status: got.status, headers: got.headers, body: try await got.collected(upTo: limit)
            )
        } catch let error as AWSError where error.kind == .cut {
            throw Broken(sentence: "\(error)")
        } catch let error as AWSError {
            throw FetchFailure.nothing("\(error)")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Broken(sentence: "\(request.operation): the reply was cut short; try again")
        }
        if let said = reply.first("x-amz-crc32"), UInt32(said) != Checksum.of(reply.body) {
            throw Broken(
                sentence:
                    "\(request.operation): the reply was damaged on its way (CRC-32); try again")
        }
        return reply
    }
}

/// Counts answers as they come.
final class Landings: Sendable {
    private let count = Atomic<UInt64>(0)

    /// The number of the one that has just come.
    func next() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }
    var last: UInt64 { count.load(ordering: .relaxed) }
}

extension JSONPart {
    /// A number that is no outrageous one.
    var number: Double? {
        Double(String(decoding: raw, as: UTF8.self)).flatMap { (0...1e9).contains($0) ? $0 : nil }
    }
}
