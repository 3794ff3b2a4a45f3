import Foundation
import LarderInspector
import LarderWire

extension ServerSentEvents {
    /// Nothing is added to a piece once it has so many bytes: each subscriber that does not read
    /// keeps one waiting.
    static let longest = 256 << 10

    /// An event with its id: the run of the engine that it is of, and its number there.
    static func text(
        _ value: some Encodable, _ number: UInt64, of instance: String
    ) throws -> String {
        guard case .json(let data) = try Answer.value(value) else { return "" }
        return "id: \(instance)-\(number)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
    }
}

/// Events of a cache, with the number of those left out where there were too many.
struct EventStream: AsyncSequence, Sendable {
    let inspector: any Inspector
    let cache: String
    let instance: String
    let after: UInt64
    /// How often new ones are looked for.
    let every: Duration
    /// Where that is done.
    let lane: PeerLane

    func makeAsyncIterator() -> Iterator { Iterator(stream: self, last: after) }

    struct Iterator: AsyncIteratorProtocol {
        let stream: EventStream
        var last: UInt64
        var quiet = Duration.zero
        /// How long nothing is said yet, because the subscriber said how often it wants to hear.
        private var rest = Duration.zero

        init(stream: EventStream, last: UInt64) {
            self.stream = stream
            self.last = last
        }

        /// What is to be written next, looked for when the piece before was taken; `nil` once nobody
        /// wants it.
        mutating func next() async throws -> String? {
            while true {
                if rest > .zero {
                    let pause = Swift.min(rest, ServerSentEvents.beat)
                    do { try await Task.sleep(for: pause) } catch { return nil }
                    rest -= pause
                    if rest > .zero { return ServerSentEvents.beatText }
                }
                guard let text = try await more() else { return nil }
                if !text.isEmpty {
                    quiet = .zero
                    // What was left out comes at once.
                    rest = text.utf8.count < ServerSentEvents.longest ? stream.every : .zero
                    return text
                }
                let pause = Swift.min(stream.every, ServerSentEvents.beat)
                do { try await Task.sleep(for: pause) } catch { return nil }
                quiet += pause
                if quiet >= ServerSentEvents.beat {
                    quiet = .zero
                    return ServerSentEvents.beatText
                }
            }
        }

        /// What there is behind the last event, as much as goes into a piece; `nil` once nobody
        /// wants it.
        private mutating func more() async throws -> String? {
            let (source, number) = (stream, last)
            do {
                let (text, end) = try await source.lane.work {
                    try await source.piece(after: number)
                }
                last = end
                return text
            } catch is CancellationError { return nil }
        }
    }

    private func piece(after number: UInt64) async throws -> (text: String, last: UInt64) {
        var last = number
        let page = try await inspector.events(in: cache, after: last, limit: 1000)
        var text = page.dropped > 0 ? "event: dropped\ndata: \(page.dropped)\n\n" : ""
        for event in page.events where text.utf8.count < ServerSentEvents.longest {
            text += try ServerSentEvents.text(event, event.number, of: instance)
            last = event.number
        }
        return (text, last)
    }
}

/// What is done to the engine, as it is done.
///
/// Each piece is read from what the engine keeps, once the piece before was taken. Following only
/// tells when to look.
struct ChangeStream: AsyncSequence, Sendable {
    let inspector: any Inspector
    let after: UInt64
    /// Where what is sent is made.
    let lane: PeerLane

    func makeAsyncIterator() -> Iterator { Iterator(self) }

    struct Iterator: AsyncIteratorProtocol {
        private let stream: ChangeStream
        private var last: UInt64
        private var rings: AsyncThrowingStream<Void, any Error>.Iterator
        private var isFirst = true

        init(_ stream: ChangeStream) {
            self.stream = stream
            last = stream.after
            rings = Self.rings(stream.inspector, after: stream.after).makeAsyncIterator()
        }

        /// Yields when there may be more, and when nothing was said for long.
        private static func rings(
            _ inspector: any Inspector, after: UInt64
        ) -> AsyncThrowingStream<Void, any Error> {
            AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { bell in
                let records = Task {
                    do {
                        for try await _ in inspector.follow(after: after) { bell.yield() }
                        bell.finish()
                    } catch { bell.finish(throwing: error) }
                }
                let beats = Task {
                    while !Task.isCancelled {
                        try await Task.sleep(for: ServerSentEvents.beat)
                        bell.yield()
                    }
                }
                bell.onTermination = { _ in
                    records.cancel()
                    beats.cancel()
                }
            }
        }

        mutating func next() async throws -> String? {
            // Said at once, so that the subscriber knows that it is heard.
            if isFirst {
                isFirst = false
                return ServerSentEvents.beatText
            }
            do {
                if let before = try await more() { return before }
                guard try await rings.next() != nil else { return nil }
                return try await more() ?? ServerSentEvents.beatText
            } catch is CancellationError { return nil }
        }

        /// What there is behind the last one, as much as goes into a piece; `nil` where that is
        /// nothing.
        private mutating func more() async throws -> String? {
            let (source, number) = (stream, last)
            let (text, end) = try await source.lane.work {
                try await source.piece(after: number)
            }
            last = end
            return text.isEmpty ? nil : text
        }
    }

    private func piece(after number: UInt64) async throws -> (text: String, last: UInt64) {
        var (text, last) = ("", number)
        for record in try await inspector.changes(after: last) {
            guard text.utf8.count < ServerSentEvents.longest else { break }
            text += try ServerSentEvents.text(record, record.number, of: record.instance)
            last = record.number
        }
        return (text, last)
    }
}
