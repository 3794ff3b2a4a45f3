import LarderInspector

/// Server-sent events: pieces of text with an empty line behind each.
enum ServerSentEvents {
    /// Longest silence: who hears nothing for much longer knows that nobody is there.
    static let beat = Duration.seconds(10)
    static let beatText = ": beat\n\n"

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
    /// How often is looked for new ones.
    let every: Duration

    func makeAsyncIterator() -> Iterator { Iterator(stream: self, last: after) }

    struct Iterator: AsyncIteratorProtocol {
        let stream: EventStream
        var last: UInt64
        var quiet = Duration.zero
        /// How long nothing may be said yet: the subscriber said how often it wants to hear.
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
                let page = try await stream.inspector.events(
                    in: stream.cache, after: last, limit: 1000)
                var text = page.dropped > 0 ? "event: dropped\ndata: \(page.dropped)\n\n" : ""
                for event in page.events {
                    text += try ServerSentEvents.text(event, event.number, of: stream.instance)
                    last = event.number
                }
                if !text.isEmpty {
                    quiet = .zero
                    rest = stream.every
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
    }
}

/// What is done to the engine, as it is done.
enum ChangeStream {
    static func make(
        _ inspector: any Inspector, after: UInt64
    ) -> AsyncThrowingStream<String, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(256)) { pieces in
            // Said at once, so that the subscriber knows that it is heard.
            pieces.yield(ServerSentEvents.beatText)
            let records = Task {
                do {
                    for try await record in inspector.follow(after: after) {
                        pieces.yield(
                            try ServerSentEvents.text(record, record.number, of: record.instance))
                    }
                    pieces.finish()
                } catch { pieces.finish(throwing: error) }
            }
            let beats = Task {
                while !Task.isCancelled {
                    try await Task.sleep(for: ServerSentEvents.beat)
                    pieces.yield(ServerSentEvents.beatText)
                }
            }
            pieces.onTermination = { _ in
                records.cancel()
                beats.cancel()
            }
        }
    }
}
