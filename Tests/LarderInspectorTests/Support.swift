import Larder
import LarderInspector
import LarderTesting
import TestSupport

/// An engine of two caches, as an operator finds it: keys of one are their own text, keys of the
/// other are not.
struct Engine {
    let clock = TestClock()
    let accounts: Cache<String, Account>
    let credentials: Cache<Role, Credential>
    let inspector: LocalInspector

    init(maxsize: Int? = 64, ttl: Duration? = .seconds(300)) {
        accounts = Cache("accounts", maxsize: maxsize, ttl: ttl, clock: clock.neverWaking) {
            Account(name: "fetched \($0)")
        }
        let clock = clock
        credentials = Cache("credentials", maxsize: maxsize, ttl: nil, clock: clock.neverWaking) {
            Credential(role: $0, expiry: clock.now + .seconds(900))
        }
        inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(accounts)
        inspector.add(credentials, key: \.shownKey) { try Role($0) }
    }
}

struct Account: Sendable, Inspectable, ByteSized {
    var name: String
    var heapBytes: Int { name.heapBytes }
    var shown: Shown { .fields([Shown.Field("name", .text(name))]) }
}

struct Role: Hashable, Sendable {
    var account: String
    var name: String
    var shownKey: String { "\(account)/\(name)" }

    init(_ account: String, _ name: String) {
        self.account = account
        self.name = name
    }

    init(_ text: String) throws {
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count == 2 else { throw InspectorError("a role is written account/name") }
        self.init(parts[0], parts[1])
    }
}

struct Credential: Sendable, Inspectable, Expiring {
    /// What no output may hold.
    static let canary = "wJalrXUtnFEMI-CANARY"

    var role: Role
    var expiry: AgeInstant?
    var secret = Secret(canary)

    var shown: Shown {
        .fields([Shown.Field("role", .text(role.shownKey)), Shown.Field("key id", .text("…7XYZ"))])
    }
}

extension LocalInspector {
    /// The shown keys of a page, in its order.
    func keys(_ query: EntryQuery) async throws -> [String] {
        try await entries(query).rows.map(\.id.key)
    }

    func apply(_ change: Change, by actor: Operator = Operator("ann")) async throws -> Outcome {
        try await apply(plan(change).id, by: actor)
    }
}

extension Cache {
    /// The keys of live entries, the next victim first.
    var order: [Key] {
        victims(of: CacheConfiguration(maxsize: 0, ttl: configuration.ttl)).map(\.key)
    }
}

func seen(_ key: String, in cache: String = "accounts", version: UInt64? = nil) -> SeenEntry {
    SeenEntry(id: EntryKey(cache: cache, key: key), version: version)
}
