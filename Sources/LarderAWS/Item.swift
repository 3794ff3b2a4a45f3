public import Larder
public import LarderInspector

/// An item of a DynamoDB table.
public struct DynamoDBItem: Hashable, Sendable, Inspectable, ByteSized {
    /// The attributes by name.
    public let attributes: [Verbatim: AttributeValue]
    /// The attribute by which it was found; it is shown first.
    public let keyName: String

    /// The attributes by name, and the one of them by which it was found.
    public init(_ attributes: [Verbatim: AttributeValue], keyName: String) {
        self.attributes = attributes
        self.keyName = keyName
    }

    /// Plain JSON: the attribute by which it was found, then the others in the order of their
    /// names.
    public var shown: Shown {
        let name = Verbatim(keyName)
        let key = attributes[name].map { [Shown.Field(keyName, $0.shown)] } ?? []
        let others = attributes.filter { $0.key != name }.sorted { $0.key < $1.key }
        return .fields(key + others.map { .init($0.key.text, $0.value.shown) })
    }

    /// What the attributes and the key's name own.
    public var heapBytes: Int { attributes.heapBytes + keyName.heapBytes }
}

extension DynamoDBItem: Encodable {
    /// DynamoDB JSON, as the table has it.
    public func encode(to encoder: any Encoder) throws { try attributes.encode(to: encoder) }

    /// The same, in which names and digits stay as they are.
    public var json: Shown { attributes.json }
}
