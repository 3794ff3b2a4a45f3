package import Larder
package import LarderInspector
package import Logging
import Synchronization

/// Follows what is written to a table, whoever writes it, by the table's stream.
///
/// A record comes about a second after the write. What is written while the stream is not followed,
/// at the start and in a gap, nobody tells of: everything of the table is forgotten then.
package final class StreamFollower: Sendable {
    /// What a cache does about it. Both are called with no lock held, by one task at a time.
    package struct Reaction: Sendable {
        /// The item of that key was written.
        package var wrote: @Sendable (_ key: [Verbatim: AttributeValue]) -> Void
        /// Some items may have been.
        package var missed: @Sendable () -> Void

        package init(
            wrote: @escaping @Sendable (_ key: [Verbatim: AttributeValue]) -> Void,
            missed: @escaping @Sendable () -> Void
        ) {
            self.wrote = wrote
            self.missed = missed
        }
    }

    /// As events name who drops an entry, or all of them.
    package static func operators(_ table: String) -> (wrote: Operator, missed: Operator) {
        let name = "stream of \(table)"
        return (
            Operator(name, reason: "the item was written"),
            Operator(name, reason: "writes may have been missed")
        )
    }

    private let table: String
    private let streams: DynamoDBStreams
    private let reactions: [Reaction]
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void
    private let trouble = Mutex<String?>(nil)

    /// Between two looks at a shard: AWS allows five a second, to all readers together.
    private static let period = Duration.seconds(1)
    /// Between two looks for new shards, in rounds: at the end of a shard it is looked at once.
    private static let roundsToShards = 30
    /// The longest wait behind a failure.
    private static let mostWait = Duration.seconds(60)

    /// - Parameters:
    ///   - client: Whose keys have `dynamodb:ListStreams`, `DescribeStream`, `GetShardIterator` and
    ///     `GetRecords` on the table's stream.
    ///   - table: The table's name.
    package init(
        _ client: AWSClient, of table: String, _ reactions: [Reaction], logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.table = table
        streams = DynamoDBStreams(client)
        self.reactions = reactions
        self.logger = logger
        self.sleep = sleep
    }

    /// Why the stream is not followed now; `nil` while it is.
    package var problem: String? { trouble.withLock { $0 } }

    /// Follows until the task is cancelled, however often that fails.
    package func run() async {
        var failures = 0
        while !Task.isCancelled {
            do { try await follow { failures = 0 } } catch {
                if Task.isCancelled { return }
                failures += 1
                say(error)
                try? await sleep(Self.wait(behind: failures))
            }
        }
    }

    private static func wait(behind failures: Int) -> Duration {
        min(mostWait, period * (1 << min(failures - 1, 6)))
    }

    // MARK: Shards

    /// A shard that is read.
    private struct Place: Sendable {
        var shard: String
        var iterator: String
        /// From where a new iterator is to go on.
        var start: DynamoDBStreams.Start
    }

    /// What a look at a shard came to.
    private struct Look: Sendable {
        /// Where to go on; `nil` at the shard's end.
        var place: Place?
        var keys: [[Verbatim: AttributeValue]] = []
        var hasGap = false
        var failure: (any Error)?
    }

    /// Follows the table's newest stream until it is no more.
    private func follow(_ succeeded: () -> Void) async throws {
        guard let stream = try await streams.streams(of: table).first else { throw Off(table) }
        var (isEnabled, shards) = try await streams.shards(of: stream)
        guard isEnabled else { throw Off(table) }
        var seen = Set(shards.map(\.id))
        var places = try await places(shards.filter { !$0.isClosed }, of: stream, from: .newest)
        missed()
        isFollowing(stream)
        succeeded()
        var (round, failures, wantsShards) = (0, 0, false)
        while true {
            try await sleep(failures == 0 ? Self.period : Self.wait(behind: failures))
            round += 1
            let looks = await looks(at: places, of: stream)
            try Task.checkCancellation()
            for key in looks.flatMap(\.keys) { for reaction in reactions { reaction.wrote(key) } }
            if looks.contains(where: \.hasGap) { missed() }
            places = looks.compactMap(\.place)
            wantsShards =
                wantsShards || looks.contains { $0.place == nil }
                || round % Self.roundsToShards == 0
            do {
                if let failure = looks.compactMap(\.failure).first { throw failure }
                if wantsShards {
                    (isEnabled, shards) = try await streams.shards(of: stream)
                    // Those that came meanwhile are read from their first record on.
                    let new = shards.filter { !seen.contains($0.id) }
                    places += try await self.places(new, of: stream, from: .oldest)
                    seen.formUnion(new.map(\.id))
                    guard isEnabled || !places.isEmpty else { throw Off(table) }
                    wantsShards = false
                }
                if failures > 0 { isFollowing(stream) }
                failures = 0
            } catch let error as AWSError where !error.isEnd {
                // Up to where each shard was read is known: nothing is missed.
                failures += 1
                say(error)
            }
        }
    }

    private func places(
        _ shards: [DynamoDBStreams.Shard], of stream: String, from start: DynamoDBStreams.Start
    ) async throws -> [Place] {
        var places: [Place] = []
        for shard in shards {
            let iterator = try await streams.iterator(of: shard.id, in: stream, from: start)
            places.append(Place(shard: shard.id, iterator: iterator, start: start))
        }
        return places
    }

    /// All at once. A shard that cannot be read is asked again from the same place.
    private func looks(at places: [Place], of stream: String) async -> [Look] {
        await withTaskGroup(of: Look.self) { group in
            for place in places {
                group.addTask {
                    do { return try await self.look(at: place, of: stream) } catch {
                        return Look(place: place, failure: error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func look(at place: Place, of stream: String) async throws -> Look {
        var place = place
        do {
            let records = try await streams.records(place.iterator, of: table)
            if let last = records.last { place.start = .after(last) }
            guard let next = records.next else { return Look(keys: records.keys) }
            place.iterator = next
            return Look(place: place, keys: records.keys)
        } catch let error as AWSError where error.isExpired {
            // Of a shard whose newest record was never seen nothing says where that was.
            let hasGap = place.start == .newest
            place.iterator = try await streams.iterator(
                of: place.shard, in: stream, from: place.start)
            return Look(place: place, hasGap: hasGap)
        } catch let error as AWSError where error.isTrimmed {
            place.start = .newest
            place.iterator = try await streams.iterator(
                of: place.shard, in: stream, from: .newest)
            return Look(place: place, hasGap: true)
        }
    }

    private func missed() { for reaction in reactions { reaction.missed() } }

    // MARK: What is said

    /// The table has no stream that takes records.
    private struct Off: Error, CustomStringConvertible {
        let description: String
        init(_ table: String) {
            description =
                "the table \(table) has no stream; switch one on (KEYS_ONLY "
                + "is enough), and its writes are followed from then on"
        }
    }

    private func isFollowing(_ stream: String) {
        trouble.withLock { $0 = nil }
        logger.info(
            "following the table's stream",
            metadata: ["table": "\(table)", "stream": "\(AWSError.printable(stream))"])
    }

    /// Each reason once, however often it comes.
    private func say(_ error: any Error) {
        let reason = (error as? AWSError)?.forLogs ?? "\(error)"
        let isNew = trouble.withLock { trouble in
            defer { trouble = reason }
            return trouble != reason
        }
        guard isNew else { return }
        logger.warning(
            "the table's stream is not followed: writes by others are seen at the ttl's end",
            metadata: ["table": "\(table)", "reason": "\(reason)"])
    }
}

extension AWSError {
    private func isCalled(_ name: String) -> Bool { code.map(ServiceError.plain) == name }

    /// An iterator lives for a quarter of an hour.
    fileprivate var isExpired: Bool { isCalled("ExpiredIterator") }
    /// Records go after a day.
    fileprivate var isTrimmed: Bool { isCalled("TrimmedDataAccess") }
    /// There is no such stream any more.
    fileprivate var isEnd: Bool { kind == .unknownTable }
}
