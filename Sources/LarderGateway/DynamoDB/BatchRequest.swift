import LarderInspector
import NIOCore

/// A `BatchGetItem` that is understood to the last of its members.
struct BatchRequest {
    var parts: [Part]
    var capacity: GetRequest.Capacity?

    /// What is asked of one table.
    struct Part {
        /// The table as the request names it.
        var tableText: String
        var table: TableName
        var meaning: Form.Meaning
        var keys: [Key]
    }

    struct Key {
        var written: JSONPart
        var values: KeyValues
    }

    /// DynamoDB takes no more.
    private static let mostKeys = 100

    /// `nil` where anything in it is odd, or the service would refuse it: it goes on as it is.
    init?(_ input: JSONPart, by identity: Identity, region: String) {
        guard let members = input.members else { return nil }
        var tables: [JSONPart.Member] = []
        for member in members {
            switch member.name {
            case "RequestItems":
                guard let named = member.value.members else { return nil }
                tables = named
            case "ReturnConsumedCapacity":
                guard let wanted = member.value.text.flatMap({ GetRequest.Capacity(rawValue: $0) })
                else { return nil }
                capacity = wanted
            default: return nil
            }
        }
        parts = []
        for table in tables {
            guard let part = Part(table, by: identity, region: region),
                !parts.contains(where: { $0.table.name == part.table.name })
            else { return nil }
            parts.append(part)
        }
        guard (1...Self.mostKeys).contains(parts.reduce(0) { $0 + $1.keys.count }) else {
            return nil
        }
    }
}

extension BatchRequest.Part {
    init?(_ member: JSONPart.Member, by identity: Identity, region: String) {
        guard let table = TableName(member.name, region: region),
            let members = member.value.members
        else { return nil }
        var (expression, names, keys): (JSONPart?, JSONPart?, [JSONPart]) = (nil, nil, [])
        for member in members {
            switch member.name {
            case "Keys":
                guard let items = member.value.items else { return nil }
                keys = items
            case "ConsistentRead": guard member.value.bool == false else { return nil }
            case "ProjectionExpression": expression = member.value
            case "ExpressionAttributeNames": names = member.value
            default: return nil
            }
        }
        guard let schema = keys.first.flatMap({ KeyValues.key($0)?.schema }) else { return nil }
        (tableText, self.table) = (member.name, table)
        meaning = .init(identity: identity, arn: table.arn, schema: schema)
        if expression != nil || names != nil {
            guard let projection = Form.Projection(expression, names) else { return nil }
            meaning.projection = projection
        }
        self.keys = []
        var seen: Set<KeyValues> = []
        for key in keys {
            guard let values = KeyValues(of: key, schema),
                key.members?.count == schema.attributes.count, seen.insert(values).inserted
            else { return nil }
            self.keys.append(.init(written: key, values: values))
        }
    }
}
