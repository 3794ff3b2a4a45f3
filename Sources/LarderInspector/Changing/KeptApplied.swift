/// What is kept of plans, by their ids: at most so many values and so many bytes, but always the
/// newest, however large.
struct KeptApplied<Value> {
    /// Most values, and most bytes.
    let most: Int
    let mostBytes: Int
    private var values: [Plan.ID: Value] = [:]
    private var order: [Plan.ID] = []
    private var weights: [Plan.ID: Int] = [:]
    private(set) var bytes = 0

    init(most: Int, mostBytes: Int) {
        self.most = most
        self.mostBytes = mostBytes
    }

    subscript(id: Plan.ID) -> Value? { values[id] }

    var all: Dictionary<Plan.ID, Value>.Values { values.values }

    /// Those that were put there later.
    func later(than id: Plan.ID) -> ArraySlice<Plan.ID> {
        order.drop { $0 != id }.dropFirst()
    }

    /// Puts a value there; the oldest that may go make room.
    mutating func add(
        _ value: Value, of bytes: Int, for id: Plan.ID, mayGo: (Value) -> Bool = { _ in true }
    ) {
        remove(id)
        values[id] = value
        weights[id] = bytes
        self.bytes += bytes
        order.append(id)
        while order.count > most || self.bytes > mostBytes,
            let oldest = order.dropLast().first(where: { mayGo(values[$0]!) })
        {
            remove(oldest)
        }
    }

    @discardableResult
    mutating func remove(_ id: Plan.ID) -> Value? {
        guard let value = values.removeValue(forKey: id) else { return nil }
        bytes -= weights.removeValue(forKey: id) ?? 0
        order.removeAll { $0 == id }
        return value
    }

    /// Changes a value where it stands; nothing where there is none of that id.
    mutating func change<Result>(_ id: Plan.ID, _ work: (inout Value) -> Result) -> Result? {
        guard let place = values.index(forKey: id) else { return nil }
        return work(&values.values[place])
    }

    /// Notes the new size of a value.
    mutating func weigh(_ id: Plan.ID, _ bytes: Int) {
        guard let before = weights[id] else { return }
        weights[id] = bytes
        self.bytes += bytes - before
    }
}
