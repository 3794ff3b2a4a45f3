import Dispatch
import Foundation

/// Threads for what peers ask for, so that nothing else waits for it: neither those on which
/// connections are read nor those of all other tasks do it. One a seat: a turn is not in the way of
/// another.
final class Lane: Sendable {
    private let threads: [Thread]
    private let turns = Turns()

    init(_ name: String) {
        threads = Turns.usual.indices.map { Thread("larder.\(name).\($0)") }
    }

    /// Does some work there in the peer's turn.
    func work<Result: Sendable>(
        of peer: PeerID, _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await turns.take(of: peer) { seat in
            try await withTaskExecutorPreference(threads[seat]) { try await work() }
        }
    }

    private final class Thread: TaskExecutor {
        private let queue: DispatchQueue

        init(_ name: String) { queue = DispatchQueue(label: name) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}

/// One for those whom the engine belongs to, and one for all others: neither waits for the other.
struct Apart<Value: Sendable>: Sendable {
    let own: Value
    let others: Value

    func of(_ peer: PeerID) -> Value {
        peer.uid == geteuid() || peer.uid == 0 ? own : others
    }
}

/// What a peer's requests take turns in: short ones with short ones, so that no look waits for a
/// page.
struct Lanes: Sendable {
    private let short = Apart(own: Lane("own"), others: Lane("others"))
    private let long = Apart(own: Lane("own.long"), others: Lane("others.long"))

    func short(_ peer: PeerID) -> Lane { short.of(peer) }
    func long(_ peer: PeerID) -> Lane { long.of(peer) }
}

/// A lane, as one peer has it.
struct PeerLane: Sendable {
    let lane: Lane
    let peer: PeerID

    func work<Result: Sendable>(
        _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await lane.work(of: peer, work)
    }
}
