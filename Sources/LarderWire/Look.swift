package import Larder
package import LarderInspector

/// The reply to somebody who asks again and again. At rest the page is what it was, and to send and
/// read it once more would be most of the work of a look.
package struct Look: Codable {
    package var report: EngineReport
    /// `nil` where it is the page that the asker knows already.
    package var page: PageColumns?
    package var at: AgeInstant
    /// What tells this page from others, in this run of the engine.
    package var mark: String

    package init(_ report: EngineReport, _ page: EntryPage, known: String?) {
        self.report = report
        at = page.at
        var hasher = Hasher()
        hasher.combine(page.rows)
        hasher.combine(page.matched)
        hasher.combine(page.total)
        mark = LocalInspector.id(UInt64(UInt(bitPattern: hasher.finalize())))
        self.page = mark == known ? nil : PageColumns(page)
    }
}

/// A page, column by column: sixty rows with a name before each number take five times as long to
/// read.
package struct PageColumns: Codable {
    package var caches: [String]
    /// A place among the caches.
    package var cache: Numbers
    package var key: [String]
    package var version: Numbers
    package var writtenAt: Numbers
    package var expiry: OptionalNumbers
    package var deadline: OptionalNumbers
    package var hits: Numbers
    package var lastHit: OptionalNumbers
    package var bytes: Numbers
    package var fetchTime: Numbers
    package var loads: Numbers
    /// By the row's place; most rows have none.
    package var refreshes: [Int: RefreshFacts]
    /// By the row's place: fetches a second, where there were any.
    package var fetchRates: [Int: Double]?
    /// Places in the order in which entries go.
    package var toGo: OptionalNumbers?
    /// Places of the rows that are marked as stale.
    package var marked: [Int]?
    package var matched: Int
    package var total: Int

    package init(_ page: EntryPage) {
        let rows = page.rows
        let places: [Verbatim: Int]
        (caches, places) = Self.places(rows.lazy.map(\.id.cache))
        cache = Numbers(values: rows.map { Int64(places[Verbatim($0.id.cache)]!) })
        key = rows.map(\.id.key)
        version = Numbers(values: rows.map { Int64(bitPattern: $0.version) })
        writtenAt = Numbers(values: rows.map(\.writtenAt.nanoseconds))
        expiry = OptionalNumbers(values: rows.map { $0.expiry?.nanoseconds })
        deadline = OptionalNumbers(values: rows.map { $0.deadline?.nanoseconds })
        hits = Numbers(values: rows.map { Int64(bitPattern: $0.hits) })
        lastHit = OptionalNumbers(values: rows.map { $0.lastHit?.nanoseconds })
        bytes = Numbers(values: rows.map { Int64($0.bytes) })
        fetchTime = Numbers(values: rows.map(\.fetchTime.nanoseconds))
        loads = Numbers(values: rows.map { Int64($0.loads) })
        refreshes = Dictionary(
            uniqueKeysWithValues: rows.enumerated().compactMap { place, row in
                row.refresh.map { (place, $0) }
            })
        fetchRates = Dictionary(
            uniqueKeysWithValues: rows.enumerated().compactMap { place, row in
                row.fetchRate.flatMap { $0 == 0 ? nil : (place, $0) }
            })
        toGo = OptionalNumbers(values: rows.map { $0.toGo.map { Int64($0) } })
        marked = rows.indices.filter { rows[$0].isMarkedStale }
        (matched, total) = (page.matched, page.total)
    }

    /// The names, each once, and where each stands among them.
    package static func places(_ names: some Sequence<String>) -> ([String], [Verbatim: Int]) {
        var places: [Verbatim: Int] = [:]
        var once: [String] = []
        for name in names where places[Verbatim(name)] == nil {
            places[Verbatim(name)] = once.count
            once.append(name)
        }
        return (once, places)
    }

    /// The page; `nil` where the columns do not belong together.
    package func page(at instant: AgeInstant) -> EntryPage? {
        let lengths = [
            cache.values.count, version.values.count, writtenAt.values.count, expiry.values.count,
            deadline.values.count, hits.values.count, lastHit.values.count, bytes.values.count,
            fetchTime.values.count, loads.values.count, toGo?.values.count ?? key.count,
        ]
        guard lengths.allSatisfy({ $0 == key.count }),
            cache.values.allSatisfy({ caches.indices.contains(Int(clamping: $0)) })
        else { return nil }
        let marked = Set(marked ?? [])
        let rows = key.indices.map { place in
            EntryRow(
                id: EntryKey(cache: caches[Int(cache.values[place])], key: key[place]),
                version: UInt64(bitPattern: version.values[place]),
                writtenAt: AgeInstant(nanoseconds: writtenAt.values[place]),
                expiry: expiry.values[place].map(AgeInstant.init(nanoseconds:)),
                deadline: deadline.values[place].map(AgeInstant.init(nanoseconds:)),
                hits: UInt64(bitPattern: hits.values[place]),
                lastHit: lastHit.values[place].map(AgeInstant.init(nanoseconds:)),
                bytes: Int(bytes.values[place]),
                fetchTime: .nanoseconds(fetchTime.values[place]), refresh: refreshes[place],
                fetchRate: fetchRates.map { $0[place] ?? 0 },
                toGo: toGo?.values[place].map { Int(clamping: $0) },
                loads: Int(clamping: loads.values[place]), isMarkedStale: marked.contains(place))
        }
        return EntryPage(at: instant, rows: rows, matched: matched, total: total)
    }
}

/// The entries that pass a filter, column by column.
package struct MatchingColumns: Codable {
    package var caches: [String]
    /// A place among the caches.
    package var cache: Numbers
    package var key: [String]
    package var version: Numbers

    package init(_ seen: [SeenEntry]) {
        let places: [Verbatim: Int]
        (caches, places) = PageColumns.places(seen.lazy.map(\.id.cache))
        cache = Numbers(values: seen.map { Int64(places[Verbatim($0.id.cache)]!) })
        key = seen.map(\.id.key)
        version = Numbers(values: seen.map { Int64(bitPattern: $0.version ?? 0) })
    }

    /// The entries; `nil` where the columns do not belong together.
    package var seen: [SeenEntry]? {
        guard cache.values.count == key.count, version.values.count == key.count,
            cache.values.allSatisfy({ caches.indices.contains(Int(clamping: $0)) })
        else { return nil }
        return key.indices.map { place in
            SeenEntry(
                id: EntryKey(cache: caches[Int(cache.values[place])], key: key[place]),
                version: UInt64(bitPattern: version.values[place]))
        }
    }
}

/// Whole numbers. An array reads its elements by way of their type, these are read as they are.
package struct Numbers: Codable {
    package var values: [Int64]

    package init(values: [Int64]) { self.values = values }

    package init(from decoder: any Decoder) throws {
        var elements = try decoder.unkeyedContainer()
        values = []
        values.reserveCapacity(elements.count ?? 0)
        while !elements.isAtEnd { values.append(try elements.decode(Int64.self)) }
    }

    package func encode(to encoder: any Encoder) throws {
        var elements = encoder.unkeyedContainer()
        for value in values { try elements.encode(value) }
    }
}

package struct OptionalNumbers: Codable {
    package var values: [Int64?]

    package init(values: [Int64?]) { self.values = values }

    package init(from decoder: any Decoder) throws {
        var elements = try decoder.unkeyedContainer()
        values = []
        values.reserveCapacity(elements.count ?? 0)
        while !elements.isAtEnd {
            values.append(try elements.decodeNil() ? nil : elements.decode(Int64.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var elements = encoder.unkeyedContainer()
        for value in values {
            if let value { try elements.encode(value) } else { try elements.encodeNil() }
        }
    }
}
