package import Larder
package import LarderAWS
import LarderInspector

/// A session that may be handed out: whose it is, and where it is had from.
package struct Loan: Sendable {
    /// Whose permission it has, as the DynamoDB face tells identities apart; `nil` for the engine's own
    /// keys, which are known there anyway.
    let identity: String?
    /// What is held and has not ended.
    let held: @Sendable () -> Held?
    /// Counts what is held as looked up.
    let count: @Sendable () -> Void
    /// Looks it up as any caller does, and waits for a fetch where one is due.
    package let lookUp: @Sendable () async throws -> Credentials

    struct Held {
        var keys: Credentials
        /// There is less life left than is wanted, and more can be had.
        var isShort: Bool
        /// It may be fetched again already.
        var isDue: Bool
    }

    /// With less life left boto3 asks anew for every read.
    private static let enough = Duration.seconds(900)

    /// A session that a cache holds.
    ///
    /// - Parameter keys: The keys that an entry's value is.
    package init<Key, Value>(
        _ cache: Cache<Key, Value>, _ key: Key, as identity: String,
        keys: @escaping @Sendable (Value) -> Credentials
    ) {
        self.identity = identity
        held = {
            guard let (value, facts) = cache.peek(key) else { return nil }
            let (now, keys) = (cache.clock.now(), keys(value))
            guard let expiry = keys.expiry else {
                return Held(keys: keys, isShort: false, isDue: false)
            }
            guard now < expiry else { return nil }
            let start = cache.refresh(of: facts)?.start
            return Held(
                keys: keys,
                isShort: expiry - now < Self.enough && expiry - facts.writtenAt > Self.enough,
                isDue: start.map { $0 <= now } ?? false)
        }
        count = { _ = cache.cached(key) }
        lookUp = { keys(try await cache.value(for: key)) }
    }

    /// The engine's own keys.
    ///
    /// - Parameter identity: Whose they are now: keys of somebody else are never handed out instead.
    package init(own signers: KnownSigners, identity name: @escaping @Sendable () -> String) {
        identity = nil
        held = {
            signers.lastOwn(of: name()).map { Held(keys: $0.keys, isShort: true, isDue: false) }
        }
        count = {}
        lookUp = {
            guard let own = try await signers.own() else {
                throw InspectorError("this engine has no keys of its own; ask for a role")
            }
            return own.keys
        }
    }
}
