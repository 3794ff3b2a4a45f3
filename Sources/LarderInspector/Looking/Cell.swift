public import Larder

/// What stands in a column of a row, as what it is: programs and people are told it in their own
/// ways, and both ways are read from here.
package enum Cell: Hashable, Sendable {
    case text(String)
    case count(UInt64)
    case bytes(Int)
    /// Time until something; negative once it is over, `nil` where there is no end.
    case left(Duration?)
    /// Time since something; `nil` where it never was.
    case passed(Duration?)
    /// How long a piece of work took; zero where there was none.
    case took(Duration)
    /// So often a second; `nil` where that is not known.
    case rate(Double?)
    /// A place in an order, 1 for the first; `nil` where that is not known.
    case turn(Int?)
}

extension EntryColumn {
    package func cell(of row: EntryRow, at now: AgeInstant) -> Cell {
        switch self {
        case .cache: .text(row.id.cache)
        case .key: .text(row.id.key)
        case .ttl: .left(row.deadline.map { $0 - now })
        case .expiry: .left(row.expiry.map { $0 - now })
        case .age: .passed(now - row.writtenAt)
        case .hits: .count(row.hits)
        case .size: .bytes(row.bytes)
        case .state: .text(row.state(at: now).rawValue)
        case .fetch: .took(row.fetchTime)
        case .version: .count(row.version)
        case .lasthit: .passed(row.lastHit.map { now - $0 })
        case .fetches: .rate(row.fetchRate)
        case .refresh: .left(row.nextRefresh(at: now).map { $0 - now })
        case .togo: .turn(row.toGo)
        }
    }

    /// What stands in this column of a row: text, or a whole number (times in nanoseconds, as what
    /// is left or has passed at `now`); `nil` where there is nothing.
    public func value(of row: EntryRow, at now: AgeInstant) -> Shown {
        func number(_ number: (some CustomStringConvertible)?) -> Shown {
            number.map { .number("\($0)") } ?? .null
        }
        return switch cell(of: row, at: now) {
        case .text(let text): .text(text)
        case .count(let count): number(count)
        case .bytes(let bytes): number(bytes)
        case .left(let time), .passed(let time): number(time?.nanoseconds)
        case .took(let time): number(time.nanoseconds)
        case .rate(let rate): number(rate)
        case .turn(let turn): number(turn)
        }
    }
}
