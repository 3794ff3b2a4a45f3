import Foundation
import FoundationXML

/// The texts of an XML document by the names of their element and its parent, wherever they stand:
/// what AWS's replies need, in any order and with any prefix.
struct XMLValues {
    private let texts: [Path: String]

    private struct Path: Hashable {
        var parent: String
        var name: String
    }

    /// `nil` where the bytes are not a whole XML document in UTF-8, and where one declares types or
    /// entities of its own, which no service does.
    init?(_ bytes: [UInt8]) {
        // Foundation's parser ends the program where a name is not UTF-8.
        guard String(validating: bytes, as: UTF8.self) != nil,
            Data(bytes).range(of: Self.doctype) == nil
        else { return nil }
        let reader = Reader()
        let parser = XMLParser(data: Data(bytes))
        parser.shouldProcessNamespaces = true
        parser.delegate = reader
        // The parser itself does not mind a document that stops in the middle.
        guard parser.parse(), parser.parserError == nil, reader.isComplete else { return nil }
        texts = reader.texts
    }

    subscript(parent: String, name: String) -> String? { texts[Path(parent: parent, name: name)] }

    /// The first element of that name under any parent.
    subscript(name: String) -> String? { texts.first { $0.key.name == name }?.value }

    private static let doctype = Data("<!DOCTYPE".utf8)

    private final class Reader: NSObject, XMLParserDelegate {
        var texts: [Path: String] = [:]
        var isComplete: Bool { open.isEmpty && hasRoot }
        private var hasRoot = false
        private var open: [String] = []
        private var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            open.append(name)
            hasRoot = true
            text = ""
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            text += String(decoding: block, as: UTF8.self)
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
            qualifiedName: String?
        ) {
            open.removeLast()
            let path = Path(parent: open.last ?? "", name: name)
            let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if texts[path] == nil, !value.isEmpty { texts[path] = value }
            text = ""
        }
    }
}
