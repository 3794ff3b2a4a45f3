import Larder

/// Which items of a table were written lately, through this gateway.
///
/// DynamoDB's usual reads may miss a write for a moment. An item that is fetched then and kept would
/// be the old one for a whole time to live, so what was written lately is read strongly consistent.
/// And what was asked for before a write ended may be older than the write, and is not kept: each
/// write begins a new epoch of its item, and what was read is of the epoch that it was asked in.
///
/// Items share a few hundred places: one that shares a place with a written one is read with more
/// care than it needs, and never with less.
struct RecentWrites {
    private var places = Array(repeating: Place(), count: Self.count)
    private var table: Place

    private struct Place {
        var epoch: UInt64 = 0
        var writtenAt: AgeInstant?
    }

    /// What was known of an item's writes at one moment.
    struct Epoch: Equatable {
        fileprivate var item: UInt64
        fileprivate var table: UInt64
    }

    private static let count = 512
    /// How long after a write what it wrote is read strongly consistent.
    static let window = Duration.seconds(5)

    /// What was written before anybody looked nobody knows.
    init(at now: AgeInstant) { table = Place(epoch: 0, writtenAt: now) }

    private func place(of item: KeyValues) -> Int { Int(item.hash % UInt64(Self.count)) }

    mutating func wrote(_ item: KeyValues, at now: AgeInstant) {
        let place = place(of: item)
        places[place].epoch += 1
        places[place].writtenAt = now
    }

    mutating func wroteAnything(at now: AgeInstant) {
        table.epoch += 1
        table.writtenAt = now
    }

    func epoch(of item: KeyValues) -> Epoch {
        Epoch(item: places[place(of: item)].epoch, table: table.epoch)
    }

    func isRecent(_ item: KeyValues, at now: AgeInstant) -> Bool {
        [places[place(of: item)].writtenAt, table.writtenAt].contains {
            $0.map { now - $0 < Self.window } ?? false
        }
    }
}
