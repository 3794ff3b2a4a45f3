import LarderAWS
import LarderInspector
import Synchronization

/// The keys that traffic asks for: of those named at the start and those looked up since, and of the
/// roles that their items name where `--follow-roles` says so, as many as there is room for.
final class KnownKeys: Sendable {
    private let keys: Mutex<(accounts: Sample<Verbatim>, roles: Sample<IAMRole>)>
    private let following: FollowingOptions

    init(
        accounts: [Verbatim] = [], roles: [IAMRole], following: FollowingOptions, most: Int = 4096
    ) {
        keys = Mutex((Sample(accounts, most: most), Sample(roles, most: most)))
        self.following = following
    }

    var roles: [IAMRole] { keys.withLock { $0.roles.all } }
    var accounts: [Verbatim] { keys.withLock { $0.accounts.all } }

    func add(_ number: Verbatim) { keys.withLock { $0.accounts.add(number) } }

    func add(_ number: Verbatim, _ item: DynamoDBItem) {
        let named = following.role(of: item)
        keys.withLock { keys in
            keys.accounts.add(number)
            if let named { keys.roles.add(named) }
        }
    }

    func any() -> (account: Verbatim?, role: IAMRole?) {
        keys.withLock { ($0.accounts.all.randomElement(), $0.roles.all.randomElement()) }
    }
}

/// Different values, so many at most: a new one takes the place of any other where it is full, so
/// that it stays a sample of what comes.
struct Sample<Value: Hashable> {
    let most: Int
    private(set) var all: [Value] = []
    private var known: Set<Value> = []

    init(_ values: [Value] = [], most: Int) {
        self.most = most
        for value in values { add(value) }
    }

    mutating func add(_ value: Value) {
        guard most > 0, known.insert(value).inserted else { return }
        guard all.count == most else { return all.append(value) }
        let place = Int.random(in: 0..<most)
        known.remove(all[place])
        all[place] = value
    }
}
