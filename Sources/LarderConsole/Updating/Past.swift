import Larder
import LarderInspector

/// What was seen of the engine at an earlier instant: rows put together from those of now and from
/// what happened since.
struct Past {
    var at: Instant
}

/// How far back it goes.
private let hour = Duration.seconds(3600)

func freeze(_ model: inout Model) -> Effect? {
    guard model.frozen != nil else { return .freeze }
    return goLive(&model)
}

func goLive(_ model: inout Model) -> Effect? {
    model.frozen = nil
    model.past = nil
    return .look
}

func froze(_ model: inout Model, _ page: Page) -> Effect? {
    model.frozen = page
    model.heldUntil = nil
    model.ghosts = []
    if page.rows.count < page.matched {
        let (held, all) = (
            Format.count(page.rows.count), Format.count(page.matched)
        )
        model.say("the first \(held) of \(all) by \(model.query.sort.rawValue) are frozen")
    }
    // A step asked for before there was anything to step in.
    if let past = model.past { return go(&model, to: past.at) }
    showFrozen(&model)
    return nil
}

/// Back or on by a time.
func step(_ model: inout Model, by time: Duration) -> Effect? {
    go(&model, to: model.shownNow + time)
}

/// To the instant of the event before or behind.
func stepEvent(_ model: inout Model, _ direction: Int) -> Effect? {
    let now = model.shownNow
    let event =
        direction < 0
        ? model.events.last { $0.at < now } : model.events.first { $0.at > now }
    guard let event else {
        model.say(direction < 0 ? "nothing is known from before" : "that is all until now")
        return direction < 0 ? nil : goLive(&model)
    }
    return go(&model, to: event.at)
}

/// To where a graph has a spike, before or behind.
func stepSpike(_ model: inout Model, _ direction: Int) -> Effect? {
    let now = model.shownNow
    let spikes = model.shownCaches.flatMap { model.histories[Verbatim($0)]?.spikes ?? [] }
    let spike =
        direction < 0
        ? spikes.filter { $0 < now }.max() : spikes.filter { $0 > now }.min()
    guard let spike else {
        model.say("no spike of misses is \(direction < 0 ? "before" : "after") this")
        return nil
    }
    return go(&model, to: spike)
}

func go(_ model: inout Model, to instant: Instant) -> Effect? {
    guard let frozen = model.frozen else {
        model.past = Past(at: instant)
        return .freeze
    }
    guard instant < frozen.at else {
        model.past = nil
        showFrozen(&model)
        model.say("this is where it was frozen; Home goes on to now")
        return nil
    }
    model.past = Past(at: max(instant, frozen.at - hour))
    showFrozen(&model)
    return nil
}

/// Sorts and filters what was frozen, as it was at the instant that is shown.
func showFrozen(_ model: inout Model) {
    guard let frozen = model.frozen else { return }
    let rows = model.past.map { past(model, frozen, at: $0.at) } ?? frozen.rows
    var query = model.asked
    query.offset = 0
    query.limit = rows.count
    // What stands in the query was read before.
    guard let page = try? query.page(of: rows, at: model.shownNow) else { return }
    _ = show(&model, page, offset: 0)
}

/// The rows of an earlier instant: what was there already, and what has gone since.
private func past(_ model: Model, _ frozen: Page, at instant: Instant) -> [Row] {
    var rows = frozen.rows.filter { $0.writtenAt <= instant }
    var sizes: [UInt64: Int] = [:]
    for event in model.events {
        if case .written(let version, _, let bytes) = event.kind { sizes[version] = bytes }
        guard event.at > instant, event.at <= frozen.at, let key = event.key,
            case .removed(_, let version, let age, let hits) = event.kind
        else { continue }
        let written = event.at + (.zero - age)
        guard written <= instant else { continue }
        let ttl = model.configuration(of: event.cache)?.ttl
        rows.append(
            Row(
                id: EntryKey(cache: event.cache, key: key), version: version, writtenAt: written,
                expiry: nil, deadline: ttl.map { written + $0 }, hits: hits, lastHit: nil,
                bytes: sizes[version] ?? 0, fetchTime: .zero))
    }
    return rows
}

extension Instant {
    fileprivate static func - (instant: Instant, time: Duration) -> Instant {
        instant + (.zero - time)
    }
}
