import Logging
import Synchronization

/// A log that keeps its messages.
struct Recorded: LogHandler {
    private let kept = Kept()
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    private final class Kept: Sendable {
        let lines = Mutex<[String]>([])
    }

    var lines: [String] { kept.lines.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { kept.lines.withLock { $0.append("\(event.message)") } }
}
