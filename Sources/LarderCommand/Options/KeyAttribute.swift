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
    /// The last colon is before the type, where one stands behind it: others belong to the name, and
    /// so does one with a backslash before it.
    init(parsing text: String) throws(UnitError) {
        let scalars = Array(text.unicodeScalars)
        var (name, type) = (text, Kind.string)
        if let colon = scalars.lastIndex(of: ":"), colon == 0 || scalars[colon - 1] != "\\" {
            let last = String(String.UnicodeScalarView(scalars[(colon + 1)...]))
            if let kind = Kind(rawValue: last) {
                (name, type) = (String(String.UnicodeScalarView(scalars[..<colon])), kind)
            } else if last.isEmpty || Self.otherTypes.contains(last.lowercased()) {
                throw UnitError(
                    "\"\(text)\" names no key; write NAME, NAME:string, NAME:number or "
                        + "NAME:binary, and \\: for a colon of the name's own")
            }
        }
        name = name.replacing("\\:", with: ":")
        guard !name.isEmpty else {
            throw UnitError(
                "\"\(text)\" names no key; write NAME, NAME:string, NAME:number or NAME:binary")
        }
        self.init(name: name, type: type)
    }

    /// Words behind a colon that are refused: somebody means a type by them.
    private static let otherTypes: Set<String> = [
        "s", "n", "b", "ss", "ns", "bs", "m", "l", "bool", "boolean", "null", "list", "map", "set",
        "str", "int", "integer", "float", "decimal", "bytes",
    ]
}

/// How the keys of a table are written, in one text each: as they are, or where the table has a sort
/// key by ``KeyNotation``.
struct TableKey {
    var partition: KeyAttribute
    var sort: KeyAttribute?

    /// - Throws: ``InspectorError`` where the text is no key of this table.
    func key(_ text: String) throws(InspectorError) -> DynamoDB.Key {
        guard let sort else { return DynamoDB.Key(partition.name, try partition.value(text)) }
        let parts: [String]
        do { parts = try KeyNotation.parts(text, count: 2) } catch {
            throw InspectorError(
                "the table has a sort key, and keys are \(partition.name)/\(sort.name): \(error)")
        }
        return DynamoDB.Key(
            partition.name, try partition.value(parts[0]),
            sort: .init(sort.name, try sort.value(parts[1])))
    }

    /// The one way in which a key is written: `1`, `1.0` and `1e0` are one number.
    func canonical(_ text: String) throws(InspectorError) -> Verbatim {
        Self.text(try key(text))
    }

    /// The keys that a list names: in JSON its items, but where the table has a sort key a flat list
    /// is one key.
    func keys(_ pieces: [String]) -> [String] {
        pieces.flatMap { piece -> [String] in
            guard piece.unicodeScalars.first == "[",
                let shown = try? Shown(json: Array(piece.utf8)), case .list(let items) = shown
            else { return [piece] }
            let hasLists = items.contains { if case .list = $0 { true } else { false } }
            guard sort == nil || hasLists else { return [piece] }
            return items.map { item in
                switch item {
                case .text(let text), .number(let text): text
                default: item.json
                }
            }
        }
    }

    /// The key of an item by its attributes; `nil` where they name no item of this table.
    func key(of item: [Verbatim: AttributeValue]) -> DynamoDB.Key? {
        guard let value = item[Verbatim(partition.name)] else { return nil }
        guard let sort else { return DynamoDB.Key(partition.name, value) }
        guard let second = item[Verbatim(sort.name)] else { return nil }
        return DynamoDB.Key(partition.name, value, sort: .init(sort.name, second))
    }

    static func text(_ key: DynamoDB.Key) -> Verbatim {
        text([key.value, key.sort?.value].compactMap(\.self))
    }

    /// - Parameter values: Of the partition key, and of the sort key where there is one.
    static func text(_ values: [AttributeValue]) -> Verbatim {
        let parts = values.map { text($0) }
        return Verbatim(parts.count == 1 ? parts[0] : KeyNotation.text(parts))
    }

    private static func text(_ value: AttributeValue) -> String {
        switch value.canonical {
        case .string(let text), .number(let text): text
        case .binary(let bytes): Data(bytes).base64EncodedString()
        default: ""
        }
    }
}

/// The attributes that `--attributes` names: paths, or in JSON names as they are, and paths as lists
/// of names and places.
enum AttributeList {
    static func paths(_ text: String) throws(UnitError) -> [String] {
        let pieces = KeyNotation.pieces(text)
        guard let first = pieces.first, first.unicodeScalars.first == "[" else { return pieces }
        guard pieces.count == 1, let shown = try? Shown(json: Array(first.utf8)),
            case .list(let items) = shown
        else {
            throw UnitError(
                "\"\(text)\" begins as JSON and is no list of names; write [\"a\",[\"b\",\"c\"]]")
        }
        var paths: [String] = []
        for item in items { paths.append(try path(item)) }
        return paths
    }

    private static func path(_ item: Shown) throws(UnitError) -> String {
        switch item {
        case .text(let name): return DynamoDB.Reading.path(toName: name)
        case .list(let steps):
            var path = ""
            for step in steps {
                switch step {
                case .text(let name):
                    path += (path.isEmpty ? "" : ".") + DynamoDB.Reading.path(toName: name)
                case .number(let place) where place.allSatisfy(\.isNumber) && !path.isEmpty:
                    path += "[\(place)]"
                default:
                    throw UnitError("\(item.json) is no path; write [\"tags\",0,\"name\"]")
                }
            }
            return path
        default: throw UnitError("\(item.json) is no name; write \"name\", in quotes")
        }
    }
}
