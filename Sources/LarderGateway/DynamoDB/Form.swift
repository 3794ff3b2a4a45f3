import Larder
import LarderInspector

/// In which form an item is read: whose permission, of which table by that name, and which of its
/// attributes. A table has few, and a write to an item ends the item's entries in all of them.
final class Form: Sendable {
    /// The form's own among those of its table.
    let number: UInt32
    let meaning: Meaning

    struct Meaning: Hashable, Sendable {
        var identity: Identity
        /// The table's ARN, where it was asked for by that: it may be another account's.
        var arn: String?
        /// How items are named.
        var schema: KeySchema
        /// `nil` for all attributes.
        var projection: Projection?
    }

    /// As it was written, since it is the service that has to have understood it.
    struct Projection: Hashable, Sendable {
        var expression: Verbatim
        /// `#n` and what it stands for, in the order of the first.
        var names: [Name]

        struct Name: Hashable, Sendable {
            var holder: Verbatim
            var name: Verbatim
        }
    }

    init(number: UInt32, _ meaning: Meaning) {
        self.number = number
        self.meaning = meaning
    }
}

/// A key of a table's cache: which item, in which form.
struct ItemKey: Hashable, Sendable {
    let form: Form
    let values: KeyValues

    static func == (one: ItemKey, other: ItemKey) -> Bool {
        one.form === other.form && one.values == other.values
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(form.number)
        hasher.combine(values)
    }
}

extension ItemKey {
    /// As people write the key: the values as they are, with slashes between two of them; behind it,
    /// where it is not the whole item as the engine itself may read it, which attributes, and who.
    var shown: String {
        let values = values.values.map(\.text)
        let text = values.count == 1 ? values[0] : KeyNotation.text(values)
        // A brace of the key's own is no beginning of what is told behind it.
        let key = KeyNotation.escaped(text) { $0 == "{" }
        let told = form.meaning.shown
        return told.isEmpty ? key : "\(key) {\(told.joined(separator: "; "))}"
    }
}

extension Form.Meaning {
    /// What is to be told of it: nothing of the usual one.
    fileprivate var shown: [String] {
        let projection = projection.map { projection in
            let names = projection.names.map { "\($0.holder)=\($0.name)" }
            return ([projection.expression.text] + names).joined(separator: " ")
        }
        return [
            projection, arn, identity.isFirst ? nil : "by \(identity.name)",
        ].compactMap(\.self)
    }

    var isUsual: Bool { projection == nil && arn == nil && identity.isFirst }
}

extension ItemKey: ReadByIdentity {
    var reader: String { form.meaning.identity.name }
}

extension ItemKey: CustomStringConvertible, ByteSized {
    var description: String { shown }
    /// The form is shared by all.
    var heapBytes: Int { values.bytes.heapBytes }
}
