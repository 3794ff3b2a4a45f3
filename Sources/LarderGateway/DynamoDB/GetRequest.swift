import LarderInspector
import NIOCore

/// A `GetItem` that is understood to the last of its members.
struct GetRequest {
    var table: TableName
    var values: KeyValues
    var meaning: Form.Meaning
    var capacity: Capacity
    /// The table as the request names it.
    var tableText: String

    /// What is to be told of the capacity that it took.
    enum Capacity: String {
        case none = "NONE"
        case total = "TOTAL"
        case indexes = "INDEXES"
    }

    /// `nil` where anything in it is odd, or asks for what is not kept: it goes on as it is.
    init?(_ input: JSONPart, by identity: Identity, region: String) {
        guard let members = input.members else { return nil }
        var (table, key): (TableName?, (schema: KeySchema, values: KeyValues)?)
        var (expression, names): (JSONPart?, JSONPart?)
        (capacity, tableText) = (.none, "")
        for member in members {
            switch member.name {
            case "TableName":
                guard let text = member.value.text else { return nil }
                table = TableName(text, region: region)
                tableText = text
            case "Key": key = KeyValues.key(member.value)
            case "ConsistentRead": guard member.value.bool == false else { return nil }
            case "ProjectionExpression": expression = member.value
            case "ExpressionAttributeNames": names = member.value
            case "ReturnConsumedCapacity":
                guard let wanted = member.value.text.flatMap({ Capacity(rawValue: $0) }) else {
                    return nil
                }
                capacity = wanted
            default: return nil
            }
        }
        guard let table, let key else { return nil }
        (self.table, values) = (table, key.values)
        meaning = .init(identity: identity, arn: table.arn, schema: key.schema)
        if expression != nil || names != nil {
            guard let projection = Form.Projection(expression, names) else { return nil }
            meaning.projection = projection
        }
    }
}

extension Form.Projection {
    /// `nil` where one of them is no such thing. Names without an expression are an error that only
    /// the service can tell.
    init?(_ expression: JSONPart?, _ names: JSONPart?) {
        guard let expression = expression?.text else { return nil }
        self.expression = Verbatim(expression)
        self.names = []
        guard let names else { return }
        guard let members = names.members, !members.isEmpty else { return nil }
        for member in members {
            guard let name = member.value.text else { return nil }
            self.names.append(.init(holder: Verbatim(member.name), name: Verbatim(name)))
        }
        self.names.sort { $0.holder < $1.holder }
    }

    /// As a request says it.
    var fields: [Shown.Field] {
        let all = [Shown.Field("ProjectionExpression", .text(expression.text))]
        guard !names.isEmpty else { return all }
        let names = names.map { Shown.Field($0.holder.text, .text($0.name.text)) }
        return all + [.init("ExpressionAttributeNames", .fields(names))]
    }
}

extension KeyValues {
    /// As a request says it.
    func json(_ schema: KeySchema) -> Shown {
        .fields(
            zip(schema.attributes, values).map { attribute, value in
                let type = String(Unicode.Scalar(value.type))
                return .init(attribute.name.text, .fields([.init(type, .text(value.text))]))
            })
    }
}

extension ItemKey {
    /// The request that fetches it.
    func request(table: Verbatim, isConsistent: Bool) -> ByteBuffer {
        let meaning = form.meaning
        let fields: [Shown.Field] =
            [
                .init("TableName", .text(meaning.arn ?? table.text)),
                .init("Key", values.json(meaning.schema)),
            ] + (isConsistent ? [.init("ConsistentRead", .bool(true))] : [])
            + (meaning.projection?.fields ?? [])
            + [.init("ReturnConsumedCapacity", .text("TOTAL"))]
        return ByteBuffer(string: Shown.fields(fields).json)
    }
}
