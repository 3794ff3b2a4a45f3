import Foundation
import Larder
import LarderInspector

/// What is seen, as something that others can read.
enum Exports {
    /// The rows at hand as `json` or `csv`, or the screen as `text`; `nil` for any other word.
    static func text(_ model: Model, _ format: String) -> String? {
        switch format {
        case "json": json(model.rows, at: model.shownNow) + "\n"
        case "csv": csv(model.rows, at: model.shownNow)
        case "text": render(model).text.map { $0 + "\n" }.joined()
        default: nil
        }
    }

    /// Writes a text to a file for nobody else to read; returns what went wrong, 0 for nothing.
    /// That is `EEXIST` where a file is there that is not to be written over: the attempt to make
    /// it tells, so that a file which appears at the same moment is not lost. Only regular files
    /// are written over: a pipe waits for a reader, and a device takes what it is given for orders.
    static func write(_ text: String, to path: String, overwrites: Bool) -> Int32 {
        let how = overwrites ? O_NONBLOCK | O_NOCTTY : O_EXCL
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0o600)
        // A pipe without a reader cannot even be opened.
        guard file >= 0 else { return errno == ENXIO ? noFile : errno }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return errno }
        guard status.st_mode & S_IFMT == S_IFREG else { return noFile }
        guard !overwrites || fchmod(file, 0o600) == 0 && ftruncate(file, 0) == 0 else {
            return errno
        }
        return Descriptor.write(text, to: file)
    }

    /// Instead of an `errno`: what stands there is no regular file.
    static let noFile: Int32 = -1

    static func json(_ rows: [EntryRow], at now: AgeInstant) -> String {
        let shown = rows.map { row in
            Shown.fields(
                EntryColumn.allCases.map { .init($0.rawValue, $0.value(of: row, at: now)) })
        }
        return PlainJSON.text(shown)
    }

    /// A row as it is shown: what is known of it, in the words and figures of the table.
    static func shown(_ row: EntryRow, _ model: Model) -> String {
        let facts = EntryColumn.allCases.compactMap { column -> Shown.Field? in
            let text = TableView.text(column, of: row, model)
            let isKnown = model.knows(column, of: row.id) && text != "-"
            return isKnown || column == .key ? .init(column.rawValue, .text(text)) : nil
        }
        return PlainJSON.text(Shown.fields(facts))
    }

    private static func csv(_ rows: [EntryRow], at now: AgeInstant) -> String {
        let lines =
            [EntryColumn.allCases.map(\.rawValue)]
            + rows.map { row in
                EntryColumn.allCases.map { column in
                    switch column.value(of: row, at: now) {
                    case .text(let text), .number(let text): text
                    default: ""
                    }
                }
            }
        return lines.map { CSV.line($0) + "\n" }.joined()
    }
}
