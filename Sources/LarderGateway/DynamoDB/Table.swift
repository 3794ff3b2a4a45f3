import Synchronization
import Larder
import LarderInspector

/// A table as far as it is cached: its items in the forms in which they are read, how its items are
/// named, and what was written lately.
///
/// Invariants: nothing is held of an item that was asked for before the end of a write to it that went
/// through here; and nothing is served from it that the service has not answered to the same form.
final class Table: Sendable {
    let name: Verbatim
    let cache: Cache<ItemKey, CachedItem>
    private let state: Guarded<State>

    private struct State {
        /// How items are named; `nil` until the service has answered to a key.
        var schema: KeySchema?
        var forms: [Form.Meaning: Form] = [:]
        var nextForm: UInt32 = 0
        var writes: RecentWrites
    }

    /// How long the service may take for an item: others wait for the same answer.
    private static let patience = Duration.seconds(10)
    /// Most forms: beyond them it is begun anew.
    private static let mostForms = 256

    init(
        _ name: Verbatim, _ configuration: CacheConfiguration, isWatched: Bool = true,
        clock: AgeClock,
        fetch: @escaping @Sendable (Table, ItemKey) async throws -> CachedItem
    ) {
        self.name = name
        state = Guarded(State(writes: RecentWrites(at: clock.now())))
        let own = Unowned()
        cache = Cache(
            name.text, configuration,
            // That there is no such item is worth as much as the bounds say.
            lifetime: { _, item in item.isMissing ? own.table?.negativeTTL : nil },
            refresh: .forwarded, limits: FetchLimits(time: Self.patience),
            events: isWatched ? 4096 : 0, foresight: isWatched, clock: clock
        ) { key in
            guard let table = own.table else { throw CancellationError() }
            return try await fetch(table, key)
        }
        own.set(self)
    }

    /// The table, for what its own cache calls.
    private final class Unowned: Sendable {
        private let state = Guarded(Weak())
        private struct Weak { weak var table: Table? }
        var table: Table? { state.withLock { $0.table } }
        func set(_ table: Table) { state.withLock { $0.table = table } }
    }

    private var negativeTTL: Duration { cache.configuration.negativeTTL }
    private var now: AgeInstant { cache.clock.now() }

    // MARK: Keys

    /// The key of the cache under which a form of an item stands; `nil` where the item is named
    /// otherwise than the table's items are.
    func key(_ values: KeyValues, _ meaning: Form.Meaning) -> ItemKey? {
        let (form, isAnew): (Form?, Bool) = state.withLock { state in
            if let known = state.schema, known != meaning.schema { return (nil, false) }
            if let form = state.forms[meaning] { return (form, false) }
            let isAnew = state.forms.count >= Self.mostForms
            if isAnew { state.forms = [:] }
            let form = Form(number: state.nextForm, meaning)
            state.nextForm &+= 1
            state.forms[meaning] = form
            return (form, isAnew)
        }
        // Entries of forms that nobody knows any more would outlive a write.
        if isAnew { forgetAll() }
        return form.map { ItemKey(form: $0, values: values) }
    }

    /// The service has answered to a key of that schema; false where the table's is another.
    func learn(_ schema: KeySchema) -> Bool {
        state.withLock { state in
            if state.schema == nil { state.schema = schema }
            return state.schema == schema
        }
    }

    var schema: KeySchema? { state.withLock { $0.schema } }

    /// Whose entries a person means who writes only the item's key.
    var usualForm: Form? {
        state.withLock { state in
            state.forms.values.first { $0.meaning.isUsual && $0.meaning.schema == state.schema }
        }
    }

    // MARK: Writes

    /// An item is written, or was: its entries end, and what is being fetched for them is not kept.
    ///
    /// - Parameter actor: Who says so, as events name them; `nil` for a request of a client's.
    func wrote(_ item: JSONPart, by actor: Operator? = nil) {
        guard let schema, let values = KeyValues(of: item, schema) else {
            return wroteAnything(by: actor)
        }
        let now = now
        let forms = state.withLock { state in
            state.writes.wrote(values, at: now)
            return Array(state.forms.values)
        }
        for form in forms { cache.invalidate(ItemKey(form: form, values: values), by: actor) }
    }

    /// The same of any of its items.
    func wroteAnything(by actor: Operator? = nil) {
        let now = now
        state.withLock { $0.writes.wroteAnything(at: now) }
        cache.invalidateAll(by: actor)
    }

    /// The table is made, or changed, or goes: how its items are named is learned anew.
    func changed() {
        state.withLock { $0.schema = nil }
        wroteAnything()
    }

    private func forgetAll() { wroteAnything() }

    // MARK: Fetches

    /// Whether the usual read might miss a write.
    func isRecent(_ item: KeyValues) -> Bool {
        let now = now
        return state.withLock { $0.writes.isRecent(item, at: now) }
    }

    func epoch(of item: KeyValues) -> RecentWrites.Epoch {
        state.withLock { $0.writes.epoch(of: item) }
    }

    /// Keeps what was read beside a fetch of the cache's own, unless it was written meanwhile.
    ///
    /// Under the lock, so that a write either comes before and is seen, or after and ends the entry.
    func keep(_ item: CachedItem, for key: ItemKey, readIn epoch: RecentWrites.Epoch) {
        state.withLock { state in
            guard state.writes.epoch(of: key.values) == epoch else { return }
            cache.insert(item, for: key)
        }
    }
}

extension Refresh {
    /// What fails in passing may be served past its end, as far as the bounds say so. No failure is
    /// remembered beside that: each is the service's own, and the next answer may be another.
    fileprivate static let forwarded = Refresh(meaning: { error in
        (error as? FetchFailure)?.isPassing ?? true ? .passing : .refused(.zero ... .zero)
    })
}
