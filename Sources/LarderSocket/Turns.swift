import Dispatch
import Larder
import Synchronization

/// Who asks: the process, and whose it is.
struct PeerID: Hashable, Sendable {
    var uid: UInt32
    var pid: Int32
}

/// Waiting lines made one: whoever was served least comes first, however many others have put there.
///
/// Start-time fair queueing (Goyal, Vin and Cheng, 1996) with all requests counted alike. A line that
/// was empty begins where the others are, so that nobody saves up turns.
struct FairQueue<Line: Hashable, Item> {
    struct Waiting {
        var turn: Int
        /// In the order of arrival, with when that was.
        var items: [(arrival: Int, item: Item)] = []
    }

    private static var mostRemembered: Int { 256 }

    private(set) var lines: [Line: Waiting] = [:]
    private var turn = 0
    private var arrivals = 0

    mutating func add(_ item: Item, to line: Line) {
        arrivals += 1
        var waiting = lines[line] ?? Waiting(turn: turn)
        if waiting.items.isEmpty { waiting.turn = max(waiting.turn, turn) }
        waiting.items.append((arrivals, item))
        lines[line] = waiting
    }

    /// Takes the next of all lines that may go on; `nil` where there is none.
    mutating func next(where mayGoOn: (Line) -> Bool = { _ in true }) -> (line: Line, item: Item)? {
        let ready = lines.filter { !$0.value.items.isEmpty && mayGoOn($0.key) }
        guard
            let (line, waiting) = ready.min(by: { a, b in
                (a.value.turn, a.value.items[0].arrival) < (b.value.turn, b.value.items[0].arrival)
            })
        else { return nil }
        turn = waiting.turn
        lines[line]!.turn += 1
        let item = lines[line]!.items.removeFirst().item
        // Those that have nothing ahead of the others are as good as new.
        // Of very many, each asking once, nobody else is remembered either: that is worth one turn.
        let isMany = lines.count > Self.mostRemembered
        lines = lines.filter { !$0.value.items.isEmpty || $0.value.turn > turn && !isMany }
        return (line, item)
    }
}

/// So much at a time, of each user so much: the others wait, and nobody keeps another waiting for
/// longer than one turn, be they asking for ever so much. Between the processes of one user it is the
/// same.
final class Turns: Sendable {
    private let state: Guarded<State>
    private let mostOfEach: Int

    private struct State {
        var free: Int
        var running: [UInt32: Int] = [:]
        var users = FairQueue<UInt32, Void>()
        var processes: [UInt32: FairQueue<Int32, CheckedContinuation<Void, Never>>] = [:]
    }

    /// - Parameters:
    ///   - most: How many at once.
    ///   - mostOfEach: How many of one user.
    init(most: Int, ofEach mostOfEach: Int = 1) {
        state = Guarded(State(free: most))
        self.mostOfEach = mostOfEach
    }

    /// Does some work as soon as it is the peer's turn.
    func take<Result: Sendable>(
        of peer: PeerID, _ work: () async throws -> Result
    ) async rethrows -> Result {
        await withCheckedContinuation { turn in
            state.withLock { state in
                state.users.add((), to: peer.uid)
                state.processes[peer.uid, default: FairQueue()].add(turn, to: peer.pid)
            }
            goOn()
        }
        defer { give(peer.uid) }
        return try await work()
    }

    private func give(_ uid: UInt32) {
        state.withLock { state in
            state.free += 1
            state.running[uid]! -= 1
            if state.running[uid] == 0 { state.running[uid] = nil }
        }
        goOn()
    }

    /// Lets go on whoever may.
    private func goOn() {
        while let turn = next() { turn.resume() }
    }

    private func next() -> CheckedContinuation<Void, Never>? {
        state.withLock { state in
            guard state.free > 0 else { return nil }
            let running = state.running
            guard
                let uid = state.users.next(where: { running[$0] ?? 0 < mostOfEach })?.line,
                let turn = state.processes[uid]?.next()?.item
            else { return nil }
            if state.processes[uid]!.lines.isEmpty { state.processes[uid] = nil }
            state.free -= 1
            state.running[uid, default: 0] += 1
            return turn
        }
    }
}

/// A thread for what is costly, so that what is not never waits for it: neither the threads on which
/// connections are read nor those of all other tasks do it.
final class Lane: TaskExecutor {
    private let queue: DispatchQueue
    private let turns = Turns(most: 1)

    init(_ name: String) { queue = DispatchQueue(label: name) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// Does some work there in the peer's turn.
    func work<Result: Sendable>(
        of peer: PeerID, _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await turns.take(of: peer) {
            try await withTaskExecutorPreference(self) { try await work() }
        }
    }
}

/// So much of something for each user. What was taken goes back with the last reference to it.
final class Quota: Sendable {
    private let taken = Guarded<[UInt32: Int]>([:])
    private let most: Int

    init(most: Int) { self.most = most }

    /// Whether a user has all that there is for one.
    func isUsedUp(by uid: UInt32) -> Bool { taken.withLock { $0[uid] ?? 0 >= most } }

    func take(_ amount: Int, of uid: UInt32) -> Share {
        taken.withLock { $0[uid, default: 0] += amount }
        return Share(self, amount, uid)
    }

    final class Share: Sendable {
        private let quota: Quota
        private let amount: Int
        private let uid: UInt32

        fileprivate init(_ quota: Quota, _ amount: Int, _ uid: UInt32) {
            (self.quota, self.amount, self.uid) = (quota, amount, uid)
        }

        deinit {
            quota.taken.withLock { taken in
                taken[uid]! -= amount
                if taken[uid] == 0 { taken[uid] = nil }
            }
        }
    }
}
