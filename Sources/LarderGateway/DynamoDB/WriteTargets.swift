import LarderInspector

/// What a request may write, as far as the request says it: rather too much than too little.
enum WriteTarget: Sendable {
    /// An item, by itself or by its key.
    case item(Verbatim, JSONPart)
    /// A table: all its items, and how they are named.
    case table(Verbatim)
    /// Whatever tables the text names.
    case mentioned(JSONPart)
    /// The same, and every table where it names none that is known.
    case mentionedOrAll(JSONPart)
}

extension Operation {
    /// What a request of this operation may write; nothing for a read.
    func touches(_ input: JSONPart, region: String) -> [WriteTarget] {
        guard !isRead else { return [] }
        let reader = TouchReader(region: region)
        let found: [WriteTarget]? =
            switch name {
            case "PutItem": reader.item(input, "Item").map { [$0] }
            case "UpdateItem", "DeleteItem": reader.item(input, "Key").map { [$0] }
            case "BatchWriteItem": reader.batch(input)
            case "TransactWriteItems": reader.transaction(input)
            case "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
                Self.onlySelects(input) ? [] : [.mentioned(input)]
            case "CreateTable", "DeleteTable", "UpdateTable":
                input["TableName"]?.text.flatMap { TableName($0, region: region) }
                    .map { [.table($0.name)] }
            default: nil
            }
        // An operation that is not known names its tables somewhere, if it names any.
        return found ?? [.mentionedOrAll(input)]
    }

    /// Whether PartiQL's statements all read. One that begins with a comment may do anything.
    private static func onlySelects(_ input: JSONPart) -> Bool {
        func selects(_ part: JSONPart) -> Bool {
            guard let statement = part["Statement"]?.text else { return false }
            let words = statement.unicodeScalars.drop { $0.properties.isWhitespace }
            return String(String.UnicodeScalarView(words.prefix(7))).lowercased() == "select "
        }
        if let list = (input["Statements"] ?? input["TransactStatements"])?.items {
            return list.allSatisfy(selects)
        }
        return selects(input)
    }
}

/// Reads what requests write; `nil` where one is not understood.
private struct TouchReader {
    let region: String

    func item(_ input: JSONPart, _ member: String) -> WriteTarget? {
        guard let table = table(input["TableName"]), let item = input[member] else { return nil }
        return .item(table, item)
    }

    func batch(_ input: JSONPart) -> [WriteTarget]? {
        guard let tables = input["RequestItems"]?.members else { return nil }
        var touches: [WriteTarget] = []
        for member in tables {
            guard let table = TableName(member.name, region: region)?.name,
                let requests = member.value.items
            else { return nil }
            for request in requests {
                guard
                    let item = request["PutRequest"]?["Item"] ?? request["DeleteRequest"]?["Key"]
                else { return nil }
                touches.append(.item(table, item))
            }
        }
        return touches
    }

    func transaction(_ input: JSONPart) -> [WriteTarget]? {
        guard let items = input["TransactItems"]?.items else { return nil }
        var touches: [WriteTarget] = []
        for item in items {
            guard let action = item.members, action.count == 1 else { return nil }
            let input = action[0].value
            switch action[0].name {
            case "ConditionCheck": break
            case "Put":
                guard let touch = self.item(input, "Item") else { return nil }
                touches.append(touch)
            case "Update", "Delete":
                guard let touch = self.item(input, "Key") else { return nil }
                touches.append(touch)
            default: return nil
            }
        }
        return touches
    }

    private func table(_ name: JSONPart?) -> Verbatim? {
        name?.text.flatMap { TableName($0, region: region)?.name }
    }
}

extension JSONPart {
    /// Whether a name stands in the text as it is written, whatever is around it. An escape may be
    /// any letter.
    func mentions(_ name: Verbatim) -> Bool {
        let wanted = Array(name.text.utf8)
        if let first = wanted.first {
            var place = range.lowerBound
            while let found = bytes[place..<range.upperBound].firstIndex(of: first),
                found + wanted.count <= range.upperBound
            {
                if bytes[found..<found + wanted.count].elementsEqual(wanted) { return true }
                place = found + 1
            }
        }
        return hasEscapes
    }

    /// Whether there is a letter in it that is written as its number.
    var hasEscapes: Bool {
        var place = range.lowerBound
        while let found = bytes[place..<range.upperBound].firstIndex(of: UInt8(ascii: "\\")) {
            if found + 1 < range.upperBound, bytes[found + 1] == UInt8(ascii: "u") { return true }
            place = min(found + 2, range.upperBound)
        }
        return false
    }
}
