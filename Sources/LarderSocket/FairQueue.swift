/// Waiting lines made one: whoever was served least comes first, however many others have put there.
///
/// Start-time fair queueing (Goyal, Vin and Cheng, 1996) with all requests counted alike. A line that
/// was empty begins where the others are, so that nobody saves up turns.
struct FairQueue<Line: Hashable, Item> {
    struct Waiting {
        var turn: Int
        /// In the order of arrival, with when that was.
        var items: [(arrival: Int, item: Item)] = []
    }

    private static var mostRemembered: Int { 256 }

    private(set) var lines: [Line: Waiting] = [:]
    private var turn = 0
    private var arrivals = 0

    var isEmpty: Bool { lines.values.allSatisfy(\.items.isEmpty) }

    mutating func add(_ item: Item, to line: Line) {
        arrivals += 1
        var waiting = lines[line] ?? Waiting(turn: turn)
        if waiting.items.isEmpty { waiting.turn = max(waiting.turn, turn) }
        waiting.items.append((arrivals, item))
        lines[line] = waiting
    }

    /// Takes out what waits no more; `nil` where it is not there.
    mutating func remove(from line: Line, where isMeant: (Item) -> Bool) -> Item? {
        guard let place = lines[line]?.items.firstIndex(where: { isMeant($0.item) }) else {
            return nil
        }
        return lines[line]!.items.remove(at: place).item
    }

    /// Takes the next of all lines that may go on; `nil` where there is none.
    mutating func next(where mayGoOn: (Line) -> Bool = { _ in true }) -> (
        line: Line, item: Item
    )? {
        let ready = lines.filter { !$0.value.items.isEmpty && mayGoOn($0.key) }
        guard
            let (line, waiting) = ready.min(by: { a, b in
                (a.value.turn, a.value.items[0].arrival) < (b.value.turn, b.value.items[0].arrival)
            })
        else { return nil }
        turn = waiting.turn
        lines[line]!.turn += 1
        let item = lines[line]!.items.removeFirst().item
        // An empty line that is not ahead of the others is forgotten: it would begin where they
        // are. Of very many lines those ahead are forgotten too, which is worth a turn.
        let isMany = lines.count > Self.mostRemembered
        lines = lines.filter { !$0.value.items.isEmpty || $0.value.turn > turn && !isMany }
        return (line, item)
    }
}
