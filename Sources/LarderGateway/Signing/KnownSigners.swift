import Synchronization
package import Larder
package import LarderAWS
import LarderInspector

/// Whose permission something is read with. Two keys that are one identity's share what is cached.
package struct Identity: Hashable, Sendable {
    let number: UInt32
    /// As people read it; never a secret.
    package let name: String

    package static func == (one: Identity, other: Identity) -> Bool { one.number == other.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }

    /// The first that was known: the engine's own.
    var isFirst: Bool { number == 0 }
}

/// Whose signatures are known here: the engine's own keys, and each session that was handed out.
///
/// A request is signed anew with the very keys that it came with, so that nobody gains a permission on
/// the way. Keys rotate: the former ones stay known until their end, or for an hour where they have
/// none.
package final class KnownSigners: Sendable {
    /// The engine's own keys as they are now, and whose they are.
    package typealias Own = @Sendable () async throws -> (keys: Credentials, identity: String)

    private let own: Own?
    private let renew: (@Sendable () -> Void)?
    private let clock: AgeClock
    private let state = Guarded(State())

    fileprivate struct State {
        var signers: [String: Known] = [:]
        var identities: [Verbatim: Identity] = [:]
        /// The key id of the engine's own.
        var current: String?
        /// When they were asked for anew the last time, because somebody signed with others.
        var renewed: AgeInstant?
    }

    fileprivate struct Known {
        var signer: KnownSigner
        /// When it is forgotten; `nil` for the engine's own keys of now.
        var end: AgeInstant?
    }

    /// Keys that were handed out are forgotten an hour after their end: until then whoever uses them
    /// is told that they have ended.
    private static let memory = Duration.seconds(3600)
    /// Most keys that are known.
    fileprivate static let most = 4096

    /// - Parameters:
    ///   - own: `nil` where the engine has no keys.
    ///   - renew: Has `own` ask for keys anew, which whoever gave them may have replaced before their
    ///     end; called where somebody signs with others, once a second at most. `nil` where that
    ///     cannot be.
    package init(
        own: Own?, renew: (@Sendable () -> Void)? = nil, clock: AgeClock = .system
    ) {
        self.own = own
        self.renew = renew
        self.clock = clock
    }

    /// Makes keys known that are handed out, as `identity`'s.
    package func add(_ keys: Credentials, as identity: String) {
        let now = clock.now()
        _ = state.withLock {
            $0.add(keys, as: identity, end: (keys.expiry ?? now) + Self.memory, at: now)
        }
    }

    /// Whose keys have that id; `nil` where they are not known.
    func signer(_ id: String) async -> KnownSigner? {
        let now = clock.now()
        if let known = state.withLock({ $0.find(id, at: now) }) { return known }
        await lookAgain()
        if let known = state.withLock({ $0.find(id, at: now) }) { return known }
        guard let renew else { return nil }
        // Whoever comes second finds them being asked for.
        state.withLock { if $0.mayRenew(at: now) { renew() } }
        await lookAgain()
        return state.withLock { $0.find(id, at: now) }
    }

    /// The same after the engine's own keys were looked at again; `nil` where that changes nothing.
    func signer(insteadOf old: KnownSigner) async -> KnownSigner? {
        await lookAgain()
        let now = clock.now()
        let new = state.withLock { $0.find(old.id, at: now) }
        return new.flatMap { $0 === old ? nil : $0 }
    }

    /// Keys of an identity that have not ended: those that live longest.
    func signer(of identity: Identity) async -> KnownSigner? {
        // Where it is the engine's own, there may be new ones.
        await lookAgain()
        let now = clock.now()
        return state.withLock { state in
            state.signers.values.map(\.signer)
                .filter { $0.identity == identity && $0.keys.expiry.map { now < $0 } ?? true }
                .max { ($0.keys.expiry ?? .distantFuture) < ($1.keys.expiry ?? .distantFuture) }
        }
    }

    /// The engine's own.
    func own() async throws -> KnownSigner? {
        guard let own else { return nil }
        let (keys, identity) = try await own()
        let now = clock.now()
        return state.withLock { state in
            if let former = state.current, former != keys.accessKeyID {
                let end = state.signers[former]?.signer.keys.expiry ?? now
                state.signers[former]?.end = end + Self.memory
            }
            state.current = keys.accessKeyID
            return state.add(keys, as: identity, end: nil, at: now)
        }
    }

    /// The engine's own as they were last, where they are `identity`'s and have not ended.
    func lastOwn(of identity: String) -> KnownSigner? {
        let now = clock.now()
        return state.withLock { state in
            guard let current = state.current, let last = state.signers[current]?.signer,
                Verbatim(last.identity.name) == Verbatim(identity),
                last.keys.expiry.map({ now < $0 }) ?? true
            else { return nil }
            return last
        }
    }

    /// Has the engine's own keys known before all others.
    package func learnOwn() async throws { _ = try await own() }

    /// Whether the session of some keys has ended.
    func isOver(_ signer: KnownSigner) -> Bool {
        signer.keys.expiry.map { $0 <= clock.now() } ?? false
    }

    private func lookAgain() async { _ = try? await own() }
}

extension KnownSigners.State {
    fileprivate func find(_ id: String, at now: AgeInstant) -> KnownSigner? {
        guard let known = signers[id], known.end.map({ now < $0 }) ?? true else { return nil }
        return known.signer
    }

    fileprivate mutating func mayRenew(at now: AgeInstant) -> Bool {
        if let renewed, now - renewed < .seconds(1) { return false }
        renewed = now
        return true
    }

    @discardableResult
    fileprivate mutating func add(
        _ keys: Credentials, as name: String, end: AgeInstant?, at now: AgeInstant
    ) -> KnownSigner {
        let identity = identity(name)
        if let known = signers[keys.accessKeyID]?.signer, known.identity == identity,
            known.keys.isSame(as: keys)
        {
            signers[keys.accessKeyID]?.end = end
            return known
        }
        if signers.count >= KnownSigners.most {
            signers = signers.filter { $0.value.end.map { now < $0 } ?? true }
            let next = signers.min {
                ($0.value.end ?? .distantFuture) < ($1.value.end ?? .distantFuture)
            }
            if signers.count >= KnownSigners.most, let next { signers[next.key] = nil }
        }
        let signer = KnownSigner(keys: keys, identity: identity)
        signers[keys.accessKeyID] = .init(signer: signer, end: end)
        return signer
    }

    private mutating func identity(_ name: String) -> Identity {
        if let known = identities[Verbatim(name)] { return known }
        // A number is never used again, however many sessions there are.
        let identity = Identity(number: UInt32(clamping: identities.count), name: name)
        identities[Verbatim(name)] = identity
        return identity
    }
}
