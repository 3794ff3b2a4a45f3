import Synchronization
import Larder
import LarderInspector

/// The tables that are cached, each from its first use on.
final class Tables: Sendable {
    typealias Fetch = @Sendable (Table, ItemKey) async throws -> CachedItem

    private let inspector: LocalInspector
    private let bounds: @Sendable (String) -> CacheConfiguration
    /// Whether anybody can look into them: their events and look-ups are kept for that.
    private let isWatched: Bool
    private let clock: AgeClock
    private let fetch: Fetch
    private let units: @Sendable (Verbatim) -> Double?
    private let state = Guarded(State())

    private struct State {
        var tables: [Verbatim: Table] = [:]
        /// Those to which the service has not answered, in their order.
        var unproven: [Verbatim] = []
    }

    /// Most tables; what is asked of others is passed on.
    private let most: Int
    /// As many of them as nothing is known of: whoever invents names is not to fill the memory.
    private var mostUnproven: Int { min(16, max(1, most / 2)) }

    init(
        _ inspector: LocalInspector, bounds: @escaping @Sendable (String) -> CacheConfiguration,
        isWatched: Bool = true, most: Int = 1000, clock: AgeClock = .system,
        units: @escaping @Sendable (Verbatim) -> Double? = { _ in nil },
        fetch: @escaping Fetch
    ) {
        self.inspector = inspector
        self.bounds = bounds
        (self.isWatched, self.most) = (isWatched, most)
        self.clock = clock
        self.fetch = fetch
        self.units = units
    }

    /// The table of that name; `nil` where there are too many.
    func table(_ name: Verbatim) -> Table? {
        if let known = known(name) { return known }
        let configuration = bounds(name.text)
        return state.withLock { state in
            if let known = state.tables[name] { return known }
            guard state.tables.count < most else { return nil }
            if state.unproven.count >= mostUnproven {
                state.tables[state.unproven.removeFirst()] = nil
            }
            let table = Table(
                name, configuration, isWatched: isWatched, clock: clock, fetch: fetch)
            state.tables[name] = table
            state.unproven.append(name)
            return table
        }
    }

    /// The service has answered to a key: from now on the table is seen by whoever looks in. False
    /// where its items are named otherwise, or nobody would tell it of writes any more.
    func prove(_ table: Table, _ schema: KeySchema) -> Bool {
        guard table.learn(schema) else { return false }
        let (isKnown, isNew) = state.withLock { state in
            let place = state.unproven.firstIndex(of: table.name)
            guard state.tables[table.name] === table else { return (false, false) }
            if let place { state.unproven.remove(at: place) }
            return (true, place != nil)
        }
        if isNew {
            inspector.add(table.cache, key: \.shown, parse: { try table.key($0) })
            inspector.add(unitsOf: table.name.text) { [units] in units(table.name) }
        }
        return isKnown
    }

    // MARK: Writes

    /// What a request writes, or wrote, is forgotten. It is called before it is sent and once more
    /// when its outcome is known, or known to be unknown.
    func forget(_ touches: [WriteTarget]) {
        for touch in touches {
            switch touch {
            case .item(let name, let item): known(name)?.wrote(item)
            case .table(let name): known(name)?.changed()
            case .mentioned(let text): for table in all(in: text) { table.wroteAnything() }
            case .mentionedOrAll(let text):
                let mentioned = all(in: text)
                for table in mentioned.isEmpty ? all : mentioned { table.wroteAnything() }
            }
        }
    }

    func forgetEverything() { for table in all { table.wroteAnything() } }

    /// The table of that name, where it was asked for.
    func known(_ name: Verbatim) -> Table? { state.withLock { $0.tables[name] } }

    var all: [Table] { state.withLock { Array($0.tables.values) } }

    private func all(in text: JSONPart) -> [Table] { all.filter { text.mentions($0.name) } }
}

extension Table {
    /// The entry that a person means by an item's key.
    ///
    /// - Throws: ``InspectorError`` where the text is none.
    fileprivate func key(_ text: String) throws -> ItemKey {
        guard let schema, let form = usualForm else {
            throw InspectorError(
                "\(name): nobody has read a whole item of this table yet; entries that are held are "
                    + "known by the keys that are shown")
        }
        let parts =
            schema.attributes.count == 1
            ? [text] : try KeyNotation.parts(text, count: schema.attributes.count)
        guard let values = KeyValues(parts, schema) else {
            throw InspectorError("\(name): \"\(text)\" is no key of this table")
        }
        return ItemKey(form: form, values: values)
    }
}
