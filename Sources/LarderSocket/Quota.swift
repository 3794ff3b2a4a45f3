import Larder
import Synchronization

/// So much of something for each user, and half of that for each process of one: what a process holds
/// on to keeps no other from all of it. What was taken goes back with the last reference to it.
final class Quota: Sendable {
    private let taken = Guarded<[PeerID: Int]>([:])
    private let mostOfProcess: Int

    init(ofProcess mostOfProcess: Int) { self.mostOfProcess = mostOfProcess }

    /// Whether a process, or its user, has all that there is for one.
    func isUsedUp(by peer: PeerID) -> Bool {
        taken.withLock { taken in
            let ofUser = taken.reduce(0) { $0 + ($1.key.uid == peer.uid ? $1.value : 0) }
            return taken[peer] ?? 0 >= mostOfProcess || ofUser >= 2 * mostOfProcess
        }
    }

    func take(_ amount: Int, of peer: PeerID) -> Share {
        taken.withLock { $0[peer, default: 0] += amount }
        return Share(self, amount, peer)
    }

    final class Share: Sendable {
        private let quota: Quota
        private let amount: Int
        private let peer: PeerID

        fileprivate init(_ quota: Quota, _ amount: Int, _ peer: PeerID) {
            (self.quota, self.amount, self.peer) = (quota, amount, peer)
        }

        deinit {
            quota.taken.withLock { taken in
                taken[peer]! -= amount
                if taken[peer] == 0 { taken[peer] = nil }
            }
        }
    }
}
