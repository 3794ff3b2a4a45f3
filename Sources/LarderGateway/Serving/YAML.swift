import CYAML
import FoundationEssentials
import Glibc

/// A document in YAML, as libyaml reads it.
///
/// Nodes are looked at in the document, not copied: what aliases repeat takes no memory.
package final class YAML {
    private var document = yaml_document_t()

    /// What is wrong, and where, as `:LINE:COLUMN`; empty where that is not known.
    package struct Trouble: Error {
        package var place: String
        package var sentence: String

        package init(place: String, sentence: String) {
            (self.place, self.sentence) = (place, sentence)
        }
    }

    /// - Throws: ``Trouble`` where the text is no YAML, where a mapping has a name twice, and where
    ///   there is more than one document.
    package init(_ text: [UInt8]) throws(Trouble) {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else {
            throw Trouble(place: "", sentence: "there is no memory to read it")
        }
        defer { yaml_parser_delete(&parser) }
        var trouble: Trouble?
        text.withUnsafeBufferPointer { bytes in
            trouble = Self.depth(bytes)
            guard trouble == nil else { return }
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            guard yaml_parser_load(&parser, &document) == 1 else {
                trouble = Self.trouble(parser, bytes)
                return
            }
            var next = yaml_document_t()
            guard yaml_parser_load(&parser, &next) == 1 else {
                trouble = Self.trouble(parser, bytes)
                return
            }
            if let root = yaml_document_get_root_node(&next) {
                trouble = Trouble(
                    place: Self.place(root.pointee.start_mark),
                    sentence: "a second document begins here, and one is expected")
            }
            yaml_document_delete(&next)
        }
        if let trouble = trouble ?? repeated { throw trouble }
    }

    /// What a file says; `nil` where there is no such file, and for `/dev/null`.
    ///
    /// - Throws: ``Trouble`` where it cannot be read either.
    package convenience init?(path: String) throws(Trouble) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFCHR else { return nil }
        func refusal(_ sentence: String) -> Trouble { Trouble(place: "", sentence: sentence) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw refusal("it is no regular file") }
        guard status.st_size <= Self.largest else {
            throw refusal("it is larger than \(Self.largest >> 20) MiB, which no settings are")
        }
        guard let text = try? Data(contentsOf: URL(filePath: path)) else {
            throw refusal("it cannot be read; check who owns it and its mode")
        }
        try self.init(Array(text))
    }

    private static let largest = 1 << 20

    deinit { yaml_document_delete(&document) }

    /// `nil` where nothing is said.
    package var root: Node? {
        guard let root = yaml_document_get_root_node(&document) else { return nil }
        let node = Node(document: self, node: root)
        return node.isNull ? nil : node
    }

    private func node(_ number: Int32) -> Node? {
        yaml_document_get_node(&document, number).map { Node(document: self, node: $0) }
    }

    /// Levels that are more than anybody writes; the library takes ever longer for more.
    private static let deepest = 100

    /// Where there are too many levels.
    private static func depth(_ bytes: UnsafeBufferPointer<UInt8>) -> Trouble? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return nil }
        defer { yaml_parser_delete(&parser) }
        yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
        var depth = 0
        while true {
            var event = yaml_event_t()
            // What is no YAML is told by who reads it.
            guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
            defer { yaml_event_delete(&event) }
            switch event.type {
            case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT: depth += 1
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: depth -= 1
            case YAML_STREAM_END_EVENT: return nil
            default: break
            }
            if depth > deepest {
                return Trouble(
                    place: place(event.start_mark),
                    sentence: "there are more than \(deepest) levels, which no settings have")
            }
        }
    }

    /// The first name that stands in a mapping twice.
    private var repeated: Trouble? {
        var number: Int32 = 1
        while let mapping = node(number) {
            var seen: Set<[UInt8]> = []
            for (name, _) in mapping.fields ?? [] {
                guard let text = name.text, !seen.insert(Array(text.utf8)).inserted else {
                    continue
                }
                return Trouble(place: name.place, sentence: "\(text) stands here twice")
            }
            number += 1
        }
        return nil
    }

    private static func place(_ mark: yaml_mark_t) -> String {
        ":\(mark.line + 1):\(mark.column + 1)"
    }

    private static func trouble(
        _ parser: yaml_parser_t, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Trouble {
        let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
        let place: String
        if parser.error == YAML_READER_ERROR {
            // It knows the byte alone.
            let before = bytes.prefix(min(parser.problem_offset, bytes.count))
            let lines = before.split(
                separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let column = lines.last.map { String(decoding: $0, as: UTF8.self).unicodeScalars.count }
            place = ":\(lines.count):\((column ?? 0) + 1)"
        } else {
            place = Self.place(parser.problem_mark)
        }
        return Trouble(place: place, sentence: "this is no YAML: \(problem)")
    }

    /// A scalar, a sequence or a mapping, and where it begins.
    package struct Node {
        fileprivate let document: YAML
        fileprivate let node: UnsafeMutablePointer<yaml_node_t>

        /// As `:LINE:COLUMN`.
        package var place: String { YAML.place(node.pointee.start_mark) }

        /// A scalar's text.
        package var text: String? {
            guard node.pointee.type == YAML_SCALAR_NODE else { return nil }
            let scalar = node.pointee.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return String(decoding: bytes, as: UTF8.self)
        }

        /// A sequence's nodes.
        package var items: [Node]? {
            guard node.pointee.type == YAML_SEQUENCE_NODE else { return nil }
            let items = node.pointee.data.sequence.items
            return UnsafeBufferPointer(start: items.start, count: items.top - items.start)
                .compactMap(document.node)
        }

        /// A mapping's nodes, in their order.
        package var fields: [(name: Node, value: Node)]? {
            guard node.pointee.type == YAML_MAPPING_NODE else { return nil }
            let pairs = node.pointee.data.mapping.pairs
            return UnsafeBufferPointer(start: pairs.start, count: pairs.top - pairs.start)
                .compactMap { pair in
                    guard let name = document.node(pair.key), let value = document.node(pair.value)
                    else { return nil }
                    return (name, value)
                }
        }

        /// Whether it says that nothing is said.
        fileprivate var isNull: Bool {
            guard node.pointee.type == YAML_SCALAR_NODE else { return false }
            return node.pointee.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                && ["", "~", "null", "Null", "NULL"].contains(text)
        }
    }
}
