import LarderInspector
import Logging

/// Lines on standard error, which the function's log takes over and dates by itself.
struct ExtensionLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    static let logger = Logger(label: "larder") { _ in ExtensionLog() }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let line = (["larder: \(event.message)"] + facts.map { "\($0.key)=\($0.value)" })
            .joined(separator: " ")
        _ = Descriptor.write(PlainText.fit(line) + "\n", to: 2)
    }
}
