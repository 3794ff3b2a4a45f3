import Larder
import Synchronization

/// Notices that the process has stood still, frozen by Lambda as it is between two invokes and before it is restored
/// from a snapshot.
///
/// Entries age by the clock and need no help. What needs it is what others have given up meanwhile:
/// connections, above all. A beat every half a second says that the process runs; where none came for
/// longer, it did not. Whoever comes first after that notices: the beat itself, an invoke, or a request,
/// which may be there before the invoke is told of.
final class Standstill: Sendable {
    private let clock: AgeClock
    private let last: Guarded<AgeInstant>
    private let over = Guarded<(@Sendable (Duration) -> Void)?>(nil)

    private static let beat = Duration.milliseconds(500)
    /// A busy machine may be as late as this.
    static let least = Duration.milliseconds(1500)

    init(clock: AgeClock = .system) {
        self.clock = clock
        last = Guarded(clock.now())
    }

    /// Has `body` called, with how long it was, whenever a standstill is over, before whoever noticed
    /// it goes on.
    func whenOver(_ body: @escaping @Sendable (Duration) -> Void) { over.withLock { $0 = body } }

    /// The process runs.
    func notice() {
        let now = clock.now()
        // Under the lock: whoever comes second goes on when it is done, and not before.
        last.withLock { last in
            let gap = now - last
            last = max(last, now)
            if gap > Self.least { over.withLock { $0 }?(gap) }
        }
    }

    /// Beats until it is cancelled.
    func run() async {
        while (try? await clock.sleep(Self.beat)) != nil { notice() }
    }
}
