import Larder
import LarderAWS
import LarderGateway
import LarderInspector
import Logging
import LarderWire

/// An engine of this process, whatever its origin: what the commands need of it.
struct Engine: Sendable {
    var inspector: LocalInspector
    var isDemo = false
    /// The bounds that its caches have where nothing is said.
    var defaults: [String: CacheConfiguration]
    /// Looks the first keys up, so that there is something to see; false where some had no answer,
    /// and calling it again asks for those.
    var warm: @Sendable (_ count: Int) async -> Bool
    /// One look-up as callers make them; what comes of it is seen in the caches.
    var lookUp: @Sendable () async -> Void
    /// What a role's credentials are in full: only for whoever asks by name.
    var reveal: @Sendable (_ role: String) async throws -> Shown
    /// An account's item as DynamoDB has it; `nil` where accounts come from elsewhere.
    var dynamoDBJSON: (@Sendable (_ account: String) async throws -> String)?
    /// Reads again what stands in files of others, such as keys; returns the places of what takes a
    /// new start.
    var readAgain: @Sendable () async throws -> [String] = { [] }
    /// What a gateway before it answers from; `nil` where there can be none.
    var behindGateway: BehindGateway?
    /// What follows the streams of tables, and drops what is written there; `nil` where tables have
    /// no streams.
    var follow: (@Sendable (_ tables: [String], Gateway?, Logger) -> [StreamFollower])?
    var close: @Sendable () async -> Void
}

extension Engine {
    /// The engine that the options ask for. Only a demo that makes traffic by itself has a bad
    /// fetch now and then: who asks for a key by hand gets it.
    static func make(
        _ options: OriginOptions, called name: String? = nil, makesTraffic: Bool = false,
        hasGateway: Bool = false, logger: Logger? = nil
    ) async throws -> Engine {
        options.isAWS
            ? try await aws(
                options,
                called: name ?? options.table.map { Rendezvous.name(ofTable: $0) } ?? "larder",
                hasGateway: hasGateway, logger: logger)
            : try embedded(
                options, called: name ?? "demo", throttled: makesTraffic ? 0.002 : 0)
    }
}
