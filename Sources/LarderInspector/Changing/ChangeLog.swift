import Larder
import Synchronization

/// What was done lately, for whoever asks and whoever waits for more.
final class ChangeLog: Sendable {
    private let state = Guarded(State())

    private struct State {
        var number: UInt64 = 0
        var records: [ChangeRecord] = []
        var bytes = 0
        var sinks: [Sink] = []
        /// Rung when there is more.
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextFollower = 0
    }

    private struct Sink {
        var takesIntents: Bool
        var write: @Sendable (ChangeRecord) throws -> Void
    }

    private let instance: String

    /// Most records kept, and their bytes; the newest is always kept.
    private static let kept = 256
    private static let bytesKept = 32 << 20

    init(instance: String) { self.instance = instance }

    /// Numbers a record, keeps it and hands it over. Returns what those say who could not write it
    /// down; `nil` where all of them could.
    func add(_ record: ChangeRecord) -> String? {
        var record = record
        record.instance = instance
        let (numbered, sinks) = state.withLock { state in
            state.number += 1
            record.number = state.number
            state.records.append(record)
            state.bytes += record.weight
            while state.records.count > Self.kept
                || state.records.count > 1 && state.bytes > Self.bytesKept
            {
                state.bytes -= state.records.removeFirst().weight
            }
            for follower in state.followers.values { follower.yield() }
            return (record, state.sinks)
        }
        let problems = sinks.compactMap { sink -> String? in
            do { try sink.write(numbered) } catch { return "\(error)" }
            return nil
        }
        return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }

    /// Hands over what is about to be done.
    ///
    /// - Returns: Whether somebody was told, who has to hear how it ended.
    /// - Throws: ``InspectorError`` where that could not be written down: it is not to be done.
    @discardableResult
    func intend(_ record: @autoclosure () -> ChangeRecord) throws -> Bool {
        let sinks = state.withLock { $0.sinks }.filter(\.takesIntents)
        guard !sinks.isEmpty else { return false }
        var record = record()
        record.instance = instance
        do { for sink in sinks { try sink.write(record) } } catch {
            throw InspectorError(unrecorded: "\(error)")
        }
        return true
    }

    /// Has every record from now on handed over before the one who made the change is answered,
    /// and intents before the change is made.
    func hand(
        intents: Bool, to sink: @escaping @Sendable (ChangeRecord) throws -> Void
    ) {
        state.withLock { $0.sinks.append(Sink(takesIntents: intents, write: sink)) }
    }

    /// Those behind a number; the first of them says how many before it are lost.
    func after(_ number: UInt64) -> [ChangeRecord] {
        var records = state.withLock { state in state.records.filter { $0.number > number } }
        if let first = records.first { records[0].missed = first.number - number - 1 }
        return records
    }

    /// Each is taken from what is kept when it is asked for: a follower that does not read costs
    /// nothing, and is told how many it has lost that are kept no more.
    func follow(after number: UInt64) -> AsyncThrowingStream<ChangeRecord, any Error> {
        let (rings, bell) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let place = state.withLock { state in
            state.nextFollower += 1
            state.followers[state.nextFollower] = bell
            return state.nextFollower
        }
        bell.onTermination = { [weak self] _ in
            self?.state.withLock { $0.followers[place] = nil }
        }
        let follower = Follower(self, rings, after: number)
        return AsyncThrowingStream { await follower.next() }
    }

    private func first(after number: UInt64) -> ChangeRecord? {
        var record = state.withLock { state in state.records.first { $0.number > number } }
        if let found = record { record?.missed = found.number - number - 1 }
        return record
    }

    private actor Follower {
        private weak var changes: ChangeLog?
        private let rings: AsyncStream<Void>
        private var last: UInt64

        init(_ changes: ChangeLog, _ rings: AsyncStream<Void>, after last: UInt64) {
            self.changes = changes
            self.rings = rings
            self.last = last
        }

        func next() async -> ChangeRecord? {
            var rings = rings.makeAsyncIterator()
            while true {
                if let record = changes?.first(after: last) {
                    last = record.number
                    return record
                }
                guard await rings.next(isolation: self) != nil else { return nil }
            }
        }
    }
}
