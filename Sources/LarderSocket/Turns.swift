import Larder
import Synchronization

/// Who asks: the process, and whose it is.
struct PeerID: Hashable, Sendable {
    var uid: UInt32
    var pid: Int32
}

/// What each has used of something that comes back with time.
struct Budget<User: Hashable> {
    /// What may be used at once.
    static var most: Duration { .milliseconds(500) }
    /// A second gives back a quarter of one.
    private static var share: Double { 0.25 }

    private var used: [User: (amount: Duration, at: ContinuousClock.Instant)] = [:]

    func isSpent(by user: User, at now: ContinuousClock.Instant) -> Bool {
        rest(of: user, at: now) >= Self.most
    }

    mutating func spend(
        _ amount: Duration, of user: User, at now: ContinuousClock.Instant
    ) {
        // A user who asked for much for an hour is held back for half a minute more, not for hours.
        used[user] = (min(rest(of: user, at: now) + amount, Self.most * 16), now)
        if used.count > 256 { used = used.filter { rest(of: $0.key, at: now) > .zero } }
    }

    private func rest(of user: User, at now: ContinuousClock.Instant) -> Duration {
        guard let (amount, at) = used[user] else { return .zero }
        return max(.zero, amount - (now - at) * Self.share)
    }
}

/// Limits how much is done at a time, in all, by each user and by each process. The rest waits, but
/// nobody keeps another waiting for longer than one turn, whatever they ask for.
///
/// One turn may be a long one. So a turn is had in a seat, and not every seat is for all: whoever has
/// used little lately, and asks for little as a rule, need not wait for those who ask for much.
final class Turns: Sendable {
    /// Whom a seat is for.
    enum Seat {
        case anyone
        /// Processes that have not used up their own budget lately, or whose user has not.
        case lightProcesses, lightUsers
    }

    /// One user with many processes fills the first two at most, where it has two.
    static let usual: [Seat] = [.anyone, .lightProcesses, .lightUsers]

    private let seats: [Seat]
    private let mostOfUser: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Guarded<State>

    private struct Waiting {
        var number: Int
        var turn: CheckedContinuation<Int, any Error>
    }

    private struct State {
        var free: [Int]
        var running: [UInt32: Int] = [:]
        var runningProcesses: Set<PeerID> = []
        var users = FairQueue<UInt32, Void>()
        var processes: [UInt32: FairQueue<Int32, Waiting>] = [:]
        var spentByUsers = Budget<UInt32>()
        var spentByProcesses = Budget<PeerID>()
        var lastNumber = 0
    }

    /// - Parameters:
    ///   - seats: As many at once.
    ///   - mostOfUser: How many of one user; of a process there is one.
    init(
        _ seats: [Seat] = Turns.usual, ofUser mostOfUser: Int = 2,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.seats = seats
        self.mostOfUser = mostOfUser
        self.now = now
        state = Guarded(State(free: Array(seats.indices)))
    }

    /// Does some work as soon as it is the peer's turn.
    ///
    /// - Parameter work: It is told the seat's number.
    /// - Throws: `CancellationError` where the task is cancelled before that.
    func take<Result: Sendable>(
        of peer: PeerID, _ work: (_ seat: Int) async throws -> Result
    ) async throws -> Result {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let seat: Int = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (turn: CheckedContinuation<Int, any Error>) in
                // A task is cancelled before it is told so: either this sees it, or `giveUp` finds
                // what waits.
                let waits = state.withLock { state in
                    if Task.isCancelled { return false }
                    state.users.add((), to: peer.uid)
                    state.processes[peer.uid, default: FairQueue()].add(
                        Waiting(number: number, turn: turn), to: peer.pid)
                    return true
                }
                waits ? goOn() : turn.resume(throwing: CancellationError())
            }
        } onCancel: {
            giveUp(number, peer)
        }
        let begun = now()
        defer { give(seat, peer, after: now() - begun) }
        return try await work(seat)
    }

    private func giveUp(_ number: Int, _ peer: PeerID) {
        let waiting = state.withLock { state -> Waiting? in
            let found = state.processes[peer.uid]?.remove(from: peer.pid) { $0.number == number }
            if found != nil { _ = state.users.remove(from: peer.uid) { true } }
            if state.processes[peer.uid]?.isEmpty == true { state.processes[peer.uid] = nil }
            return found
        }
        waiting?.turn.resume(throwing: CancellationError())
    }

    private func give(_ seat: Int, _ peer: PeerID, after time: Duration) {
        let now = now()
        state.withLock { state in
            state.free = (state.free + [seat]).sorted()
            state.running[peer.uid]! -= 1
            if state.running[peer.uid] == 0 { state.running[peer.uid] = nil }
            state.runningProcesses.remove(peer)
            state.spentByUsers.spend(time, of: peer.uid, at: now)
            state.spentByProcesses.spend(time, of: peer, at: now)
        }
        goOn()
    }

    /// Lets go on whoever may.
    private func goOn() {
        while let (waiting, seat) = next() { waiting.turn.resume(returning: seat) }
    }

    private func next() -> (Waiting, seat: Int)? {
        let now = now()
        return state.withLock { state in
            for (place, seat) in state.free.enumerated() {
                guard let waiting = next(for: seats[seat], &state, now) else { continue }
                state.free.remove(at: place)
                return (waiting, seat)
            }
            return nil
        }
    }

    private func next(
        for seat: Seat, _ state: inout State, _ now: ContinuousClock.Instant
    ) -> Waiting? {
        var ready: [UInt32: Set<Int32>] = [:]
        for (uid, queue) in state.processes where state.running[uid] ?? 0 < mostOfUser {
            if seat == .lightUsers, state.spentByUsers.isSpent(by: uid, at: now) { continue }
            let processes = queue.lines.filter { pid, line in
                let peer = PeerID(uid: uid, pid: pid)
                return !line.items.isEmpty && !state.runningProcesses.contains(peer)
                    && (seat != .lightProcesses
                        || !state.spentByProcesses.isSpent(by: peer, at: now))
            }
            if !processes.isEmpty { ready[uid] = Set(processes.keys) }
        }
        guard let uid = state.users.next(where: { ready[$0] != nil })?.line,
            let (pid, waiting) = state.processes[uid]?.next(where: ready[uid]!.contains)
        else { return nil }
        if state.processes[uid]!.isEmpty { state.processes[uid] = nil }
        state.running[uid, default: 0] += 1
        state.runningProcesses.insert(PeerID(uid: uid, pid: pid))
        return waiting
    }
}
