import ArgumentParser
import Foundation
import LarderInspector
import Logging

/// How an engine's log is written.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// The one logger of this process.
    func logger() -> Logger {
        LogLines.shared.use(line)
        LoggingSystem.bootstrap { label in
            if self == .json { return JSONLog(label: label) }
            return PlainLog(label: label)
        }
        return Logger(label: "larder")
    }

    /// What is said beside the log, as a line of it.
    @Sendable private func line(_ sentence: String) -> String {
        self == .text
            ? "larder: \(PlainText.message(sentence))\n"
            : JSONLog.line([
                "time": Date().formatted(.iso8601), "level": "warning", "logger": "larder",
                "message": sentence,
            ])
    }
}

/// One JSON object a line, on standard error.
struct JSONLog: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = [
            "time": Date().formatted(.iso8601), "level": event.level.rawValue, "logger": label,
            "message": "\(event.message)",
        ]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            line[key] = "\(value)"
        }
        if let error = event.error { line["error"] = "\(error)" }
        LogLines.shared.write(Self.line(line))
    }

    static func line(_ fields: [String: String]) -> String {
        PlainJSON.text(fields) + "\n"
    }
}

/// Lines for people, of which nothing steers their terminal.
struct PlainLog: LogHandler {
    private var lines: StreamLogHandler

    init(label: String) { lines = StreamLogHandler(label: label, stream: Stream()) }

    private struct Stream: TextOutputStream {
        func write(_ line: String) { LogLines.shared.write(line) }
    }

    var logLevel: Logger.Level {
        get { lines.logLevel }
        set { lines.logLevel = newValue }
    }
    var metadata: Logger.Metadata {
        get { lines.metadata }
        set { lines.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { lines[metadataKey: key] }
        set { lines[metadataKey: key] = newValue.map { Self.fit("\($0)") } }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(PlainText.fit("\(event.message)"))"
        event.metadata = event.metadata?.mapValues { Self.fit("\($0)") }
        if let error = event.error {
            event.metadata = (event.metadata ?? [:]).merging(["error": Self.fit("\(error)")]) { $1 }
            event.error = nil
        }
        lines.log(event: event)
    }

    private static func fit(_ text: String) -> Logger.MetadataValue { "\(PlainText.fit(text))" }
}
