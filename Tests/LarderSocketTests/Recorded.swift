import Logging

import Larder

/// A log that keeps its messages.
struct Recorded: LogHandler {
    private let kept = Guarded<[String]>([])
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    var lines: [String] { kept.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { kept.withLock { $0.append("\(event.message)") } }
}
