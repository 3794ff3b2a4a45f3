import Foundation
import LarderAWS
import LarderInspector

/// `--key account_number` or `--key id:number`.
struct KeyAttribute: Equatable {
    enum Kind: String, CaseIterable {
        case string, number, binary
    }

    var name: String
    var type: Kind

    /// The value that a text stands for.
    func value(_ text: String) throws(InspectorError) -> AttributeValue {
        switch type {
        case .string: return .string(text)
        case .number:
            guard let digits = AttributeValue.canonicalNumber(text) else {
                throw InspectorError("\(name) is a number, and \"\(text)\" is none")
            }
            return .number(digits)
        case .binary:
            guard let bytes = Data(base64Encoded: text) else {
                throw InspectorError("\(name) is binary, and \"\(text)\" is no base64")
            }
            return .binary(Array(bytes))
        }
    }
}

extension KeyAttribute {
    init(parsing text: String) throws(UnitError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard !parts[0].isEmpty, parts.count <= 2,
            let kind = parts.count == 1 ? .string : Kind(rawValue: parts[1])
        else {
            throw UnitError(
                "\"\(text)\" names no key; write NAME, NAME:string, NAME:number or NAME:binary")
        }
        self.init(name: parts[0], type: kind)
    }
}

/// How the keys of a table are written, in one text each.
struct TableKey {
    var partition: KeyAttribute
    var sort: KeyAttribute?

    /// - Throws: ``InspectorError`` where the text is no key of this table.
    func key(_ text: String) throws(InspectorError) -> DynamoDB.Key {
        guard let sort else { return DynamoDB.Key(partition.name, try partition.value(text)) }
        guard let slash = text.lastIndex(of: "/") else {
            throw InspectorError(
                "the table has a sort key: write \(partition.name)/\(sort.name) instead of "
                    + "\"\(text)\"")
        }
        return DynamoDB.Key(
            partition.name, try partition.value(String(text[..<slash])),
            sort: .init(sort.name, try sort.value(String(text[text.index(after: slash)...]))))
    }

    /// The one way in which a key is written: `1`, `1.0` and `1e0` are one number.
    func canonical(_ text: String) throws(InspectorError) -> String {
        Self.text(try key(text))
    }

    static func text(_ key: DynamoDB.Key) -> String {
        [key.value, key.sort?.value].compactMap(\.self).map { text($0) }.joined(separator: "/")
    }

    static func text(_ value: AttributeValue) -> String {
        switch value.canonical {
        case .string(let text), .number(let text): text
        case .binary(let bytes): Data(bytes).base64EncodedString()
        default: ""
        }
    }
}
