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
    private let trouble = Mutex<Trouble?>(nil)
    /// The table's own ARN, where it is known by that.
    private let arn: String?

    /// Why it is not followed: in a word, by which it is counted, and in a sentence.
    private struct Trouble {
        var word: String
        var sentence: String
    }

    /// Between two looks at a shard: AWS allows five a second, to all readers together.
    private static let period = Duration.seconds(1)
    /// Between two listings of the shards, in rounds; at the end of a shard it is at once.
    private static let roundsToShards = 30
    /// The longest wait behind a failure.
    private static let mostWait = Duration.seconds(60)

    /// - Parameters:
    ///   - client: Whose keys have `dynamodb:ListStreams`, `DescribeStream`, `GetShardIterator` and
    ///     `GetRecords` on the table's stream.
    ///   - table: The table's name.
    ///   - arn: Its ARN, where only the stream of that table will do: another account has one of the
    ///     same name.
    package init(
        _ client: AWSClient, of table: String, arn: String? = nil, _ reactions: [Reaction],
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        (self.table, self.arn) = (table, arn)
        streams = DynamoDBStreams(client)
        self.reactions = reactions
        self.logger = logger
        self.sleep = sleep
    }

    /// Why the stream is not followed now; `nil` while it is.
    package var problem: String? { trouble.withLock { $0?.sentence } }
    /// The same in a word: a service's code, or the like.
    package var problemWord: String? { trouble.withLock { $0?.word } }

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

    package var name: String { "stream of \(table)" }

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
        /// How often in a row it could not be read, and the round in which it is tried again.
        var failures = 0
        var due = 0
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
        let found = try await streams.streams(of: table).first { stream in
            arn.map { stream.hasPrefix($0 + "/stream/") } ?? true
        }
        guard let stream = found else { throw Off(table) }
        var (isEnabled, shards) = try await streams.shards(of: stream)
        guard isEnabled else { throw Off(table) }
        var seen = Set(shards.map(\.id))
        var places = try await places(shards.filter { !$0.isClosed }, of: stream, from: .newest)
        missed()
        isFollowing(stream)
        succeeded()
        var (round, failures) = (0, 0)
        // When shards are listed again, and how often more because one has ended.
        var (listing, wanted) = (Self.roundsToShards, 0)
        var listed = ContinuousClock.now
        while true {
            try await sleep(Self.period)
            round += 1
            let due = places.filter { $0.due <= round }
            var left = places.filter { $0.due > round }
            var failure: (any Error)?
            // What one shard tells is heeded before the slowest has answered.
            try await look(at: due, of: stream) { look in
                for key in look.keys { for reaction in reactions { reaction.wrote(key) } }
                if look.hasGap { missed() }
                // That there is no such stream any more is said before all else.
                let isEnd = (look.failure as? AWSError)?.isEnd ?? false
                failure = isEnd ? look.failure : failure ?? look.failure
                guard var place = look.place else {
                    (listing, wanted) = (round, Self.mostListings)
                    return
                }
                place.failures = look.failure == nil ? 0 : place.failures + 1
                place.due = round + Self.rounds(behind: place.failures)
                left.append(place)
            }
            places = left
            if let failure, (failure as? AWSError)?.isEnd ?? false { throw failure }
            if listing <= round {
                do {
                    (isEnabled, shards) = try await streams.shards(of: stream)
                    // Those that came meanwhile are read from their first record on.
                    let new = shards.filter { !seen.contains($0.id) }
                    places += try await self.places(new, of: stream, from: .oldest)
                    // What they had to tell first may be gone: it is kept for a day.
                    if !new.isEmpty, ContinuousClock.now - listed > Self.retention { missed() }
                    listed = .now
                    seen = Set(shards.map(\.id)).union(places.map(\.shard))
                    guard isEnabled || !places.isEmpty else { throw Off(table) }
                    // Shards that go on from one that has ended may be told of a little later.
                    wanted = max(0, wanted - 1)
                    listing = round + (wanted > 0 ? 1 : Self.roundsToShards)
                    failures = 0
                } catch let error where !(error is Off) {
                    if error is CancellationError || (error as? AWSError)?.isEnd ?? false {
                        throw error
                    }
                    failures += 1
                    failure = failure ?? error
                    listing = round + Self.rounds(behind: failures)
                }
            }
            // Up to where each shard was read is known: nothing is missed.
            if let failure {
                say(failure)
            } else if problem != nil, places.allSatisfy({ $0.failures == 0 }), failures == 0 {
                isFollowing(stream)
            }
        }
    }

    /// Records are kept for 24 hours: a listing that is older by much may have missed some.
    private static let retention = Duration.seconds(20 * 3600)
    /// How often in a row shards are listed because one has ended.
    private static let mostListings = 10
    /// Most pages of a shard in one round: AWS allows five a second, to all readers together.
    private static let mostPages = 4

    private static func rounds(behind failures: Int) -> Int {
        failures == 0 ? 1 : Int(wait(behind: failures) / period)
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
    private func look(
        at places: [Place], of stream: String, _ take: (Look) -> Void
    ) async throws {
        await withTaskGroup(of: Look.self) { group in
            for place in places { group.addTask { await self.look(at: place, of: stream) } }
            for await look in group { take(look) }
        }
        try Task.checkCancellation()
    }

    private func look(at place: Place, of stream: String) async -> Look {
        var look = Look(place: place)
        do {
            for _ in 0..<Self.mostPages {
                let records = try await streams.records(look.place!.iterator, of: table)
                look.keys += records.keys
                if let last = records.last { look.place?.start = .after(last) }
                guard let next = records.next else {
                    look.place = nil
                    return look
                }
                look.place?.iterator = next
                if records.keys.isEmpty { break }
            }
        } catch let error as AWSError where error.isExpired || error.isTrimmed {
            do { try await begin(&look, of: stream, isTrimmed: error.isTrimmed) } catch {
                look.failure = error
            }
        } catch { look.failure = error }
        return look
    }

    /// Goes on with a new iterator where the old one means nothing any more.
    private func begin(_ look: inout Look, of stream: String, isTrimmed: Bool) async throws {
        guard let place = look.place else { return }
        if case .after = place.start, !isTrimmed {
            do {
                look.place?.iterator = try await streams.iterator(
                    of: place.shard, in: stream, from: place.start)
                return
            } catch let error as AWSError where error.isTrimmed {
                // What came behind it is gone as well.
            }
        }
        // From where it was to be read is not known, or not there, any more.
        let start: DynamoDBStreams.Start = place.start == .oldest ? .oldest : .newest
        look.place?.iterator = try await streams.iterator(
            of: place.shard, in: stream, from: start)
        look.place?.start = start
        look.hasGap = true
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
        let known = error as? AWSError
        let reason = known?.forLogs ?? "\(error)"
        let word =
            known.map { $0.code ?? "\($0.kind)" } ?? (error is Off ? "no stream" : "no credentials")
        let isNew = trouble.withLock { trouble in
            defer { trouble = Trouble(word: word, sentence: reason) }
            return trouble?.word != word
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
