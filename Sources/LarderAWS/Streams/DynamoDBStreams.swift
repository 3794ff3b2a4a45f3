import Larder
package import LarderInspector

/// The streams of DynamoDB's tables, as far as a cache needs them: which items were written.
package struct DynamoDBStreams: Sendable {
    private let client: AWSClient

    package init(_ client: AWSClient) { self.client = client }

    /// The name by which settings know the service's address.
    static let service = "dynamodb_streams"

    /// A part of a stream. It takes records for some hours, and others go on from it.
    package struct Shard: Hashable, Sendable {
        package var id: String
        /// Whether it takes no more records.
        package var isClosed: Bool
    }

    /// Where reading a shard begins.
    package enum Start: Hashable, Sendable {
        /// Behind the newest record.
        case newest
        /// At the oldest record that is kept, a day old at most.
        case oldest
        /// Behind the record of that sequence number.
        case after(String)
    }

    /// What was written, in the shard's order.
    package struct Records: Sendable {
        /// The key of each item that was written.
        package var keys: [[Verbatim: AttributeValue]]
        /// The sequence number of the last record; `nil` where there was no record.
        package var last: String?
        /// What to go on with; `nil` at the end of a closed shard.
        package var next: String?
    }

    /// The streams that a table has, or had within the last day; the newest first.
    ///
    /// - Returns: Their ARNs.
    package func streams(of table: String) async throws -> [String] {
        let call = call("ListStreams", "of \"\(AWSError.printable(table))\"")
        let found = try await pages(
            call, [.init("TableName", .text(table))],
            from: "ExclusiveStartStreamArn", last: { $0["LastEvaluatedStreamArn"] }
        ) { got in
            (got["Streams"]?.items ?? []).compactMap { stream in
                stream["StreamArn"]?.string.map { ($0, stream["StreamLabel"]?.string ?? "") }
            }
        }
        return found.sorted { $0.1 > $1.1 }.map(\.0)
    }

    /// Whether a stream takes records, and its shards.
    package func shards(of stream: String) async throws -> (isEnabled: Bool, shards: [Shard]) {
        let call = call("DescribeStream", "on \"\(AWSError.printable(stream))\"")
        let pages = try await pages(
            call, [.init("StreamArn", .text(stream))], from: "ExclusiveStartShardId",
            last: { $0["StreamDescription"]?["LastEvaluatedShardId"] }
        ) { got in
            guard let told = got["StreamDescription"] else {
                throw AWSError(.garbage, "no stream is described")
            }
            let shards: [Shard] = (told["Shards"]?.items ?? []).compactMap { shard in
                let end = shard["SequenceNumberRange"]?["EndingSequenceNumber"]?.string
                return shard["ShardId"]?.string.map { Shard(id: $0, isClosed: end != nil) }
            }
            return [(told["StreamStatus"]?.string, shards)]
        }
        let isEnabled = pages.contains { ["ENABLED", "ENABLING"].contains($0.0) }
        return (isEnabled, pages.flatMap(\.1))
    }

    /// What a shard's records are read with, from a place on.
    package func iterator(
        of shard: String, in stream: String, from start: Start
    ) async throws -> String {
        let call = call("GetShardIterator", "on \"\(AWSError.printable(stream))\"")
        var input = [
            Shown.Field("StreamArn", .text(stream)), .init("ShardId", .text(shard)),
        ]
        switch start {
        case .newest: input.append(.init("ShardIteratorType", .text("LATEST")))
        case .oldest: input.append(.init("ShardIteratorType", .text("TRIM_HORIZON")))
        case .after(let number):
            input.append(.init("ShardIteratorType", .text("AFTER_SEQUENCE_NUMBER")))
            input.append(.init("SequenceNumber", .text(number)))
        }
        return try await send(call, input) { got in
            guard let iterator = got["ShardIterator"]?.string else {
                throw AWSError(.garbage, "no iterator is given")
            }
            return iterator
        }
    }

    /// Up to 1,000 records. `table` is for the sentence of an error.
    package func records(_ iterator: String, of table: String) async throws -> Records {
        let call = call("GetRecords", "of \"\(AWSError.printable(table))\"")
        return try await send(call, [.init("ShardIterator", .text(iterator))]) { got in
            var records = Records(keys: [], next: got["NextShardIterator"]?.string)
            for record in got["Records"]?.items ?? [] {
                guard let written = record["dynamodb"], let keys = written["Keys"] else {
                    throw AWSError(.garbage, "a record names no item")
                }
                records.keys.append(try AttributeValue.members(keys))
                records.last = written["SequenceNumber"]?.string ?? records.last
            }
            return records
        }
    }

    // MARK: Calls

    private func call(_ operation: String, _ subject: String) -> Call {
        client.call("dynamodb", operation, subject, at: Self.service)
    }

    private func send<Output: Sendable>(
        _ call: Call, _ input: [Shown.Field],
        _ read: @escaping @Sendable (Shown) throws -> Output
    ) async throws -> Output {
        try await client.dynamoDB.send(call, target: "DynamoDBStreams_20120810", input, read)
    }

    /// Most pages of one answer.
    private static let mostPages = 1000

    private func pages<Piece: Sendable>(
        _ call: Call, _ input: [Shown.Field], from start: String,
        last: @escaping @Sendable (Shown) -> Shown?,
        _ read: @escaping @Sendable (Shown) throws -> [Piece]
    ) async throws -> [Piece] {
        var pieces: [Piece] = []
        var place: String?
        for _ in 0..<Self.mostPages {
            let from = place.map { [Shown.Field(start, .text($0))] } ?? []
            let (page, next) = try await send(call, input + from) { got in
                (try read(got), last(got)?.string)
            }
            pieces += page
            guard let next else { return pieces }
            place = next
        }
        throw call.error(.garbage, "the list has no end")
    }
}

extension Shown {
    fileprivate var string: String? { if case .text(let text) = self { text } else { nil } }
}
