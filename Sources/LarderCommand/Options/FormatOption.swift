import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// How a command's result is printed.
struct FormatOption: ParsableArguments {
    @Option(help: "How the result is printed: text, json or csv.")
    var format = LookingOptions.Format.text

    /// Prints records: as a table, as CSV with a line each, or as JSON with an object each.
    ///
    /// - Parameters:
    ///   - header: The names of the fields, as there may be no record.
    ///   - shown: The names that people see; `nil` for all.
    ///   - titles: What people see in place of some names.
    func print(
        _ records: [[Field]], _ header: [String], shown: Set<String>? = nil,
        titles: [String: String] = [:], _ from: Source = Source()
    ) {
        switch format {
        case .json: self.print(json: Self.json(.list(records.map(\.object))), from)
        case .csv: csv(header, records.map { $0.map(\.figure) }, from)
        case .text:
            let places = header.indices.filter { shown?.contains(header[$0]) ?? true }
            Table.print(
                places.map { titles[header[$0]] ?? header[$0] },
                records.map { record in places.map { record[$0].text } })
        }
    }

    /// Prints one record: its fields are lines of a table and of CSV, and an object of JSON.
    func print(_ record: [Field], _ from: Source = Source()) {
        switch format {
        case .json: self.print(json: Self.json(record.object), from)
        case .csv: csv(["field", "value"], record.map { [$0.name, $0.figure] }, from)
        case .text: Table.print(["field", "value"], record.map { [$0.name, $0.text] })
        }
    }

    private func csv(_ header: [String], _ rows: [[String]], _ from: Source) {
        if from.isFirst { Output.print(csv: (from.engine.map { _ in ["engine"] } ?? []) + header) }
        for row in rows { Output.print(csv: (from.engine.map { [$0] } ?? []) + row) }
    }

    /// Prints what is JSON already.
    func print(json: String, _ from: Source) {
        guard let engine = from.engine else { return Output.print(json: json) }
        Output.print(json: "{\"engine\" : \(Self.json(.text(engine))), \"result\" : \(json)}")
    }

    static func json(_ value: Shown) -> String {
        let formatting: JSONEncoder.OutputFormatting = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes,
        ]
        // What came as JSON goes as such.
        return String(decoding: try! PlainJSON.encode(value, formatting), as: UTF8.self)
    }
}

/// The engine that a result comes from, where there are several.
struct Source {
    /// `nil` where there is only one.
    var engine: String?
    /// Nothing was printed of another before.
    var isFirst = true
}
