import LarderInspector

extension DynamoDB {
    /// The attributes that name an item: the partition key, and the sort key where the table has
    /// one. Names and texts are compared byte by byte.
    public struct Key: Hashable, Sendable {
        /// The partition key's attribute.
        public var name: String
        /// The partition key's value: an `S`, `N` or `B`.
        public var value: AttributeValue
        /// `nil` where the table has no sort key.
        public var sort: Sort?

        /// The sort key of an item.
        public struct Sort: Hashable, Sendable {
            /// The sort key's attribute.
            public var name: String
            /// The sort key's value: an `S`, `N` or `B`.
            public var value: AttributeValue

            /// `Sort("number", 7)`.
            public init(_ name: String, _ value: AttributeValue) {
                self.name = name
                self.value = value
            }

            public static func == (a: Sort, b: Sort) -> Bool {
                Verbatim(a.name) == Verbatim(b.name) && a.value == b.value
            }

            public func hash(into hasher: inout Hasher) {
                hasher.combine(Verbatim(name))
                hasher.combine(value)
            }
        }

        /// `Key("customer", "ann", sort: Sort("number", 7))`.
        public init(_ name: String, _ value: AttributeValue, sort: Sort? = nil) {
            self.name = name
            self.value = value
            self.sort = sort
        }

        public static func == (a: Key, b: Key) -> Bool {
            Verbatim(a.name) == Verbatim(b.name) && a.value == b.value && a.sort == b.sort
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(Verbatim(name))
            hasher.combine(value)
            hasher.combine(sort)
        }

        var attributes: [Verbatim: AttributeValue] {
            var attributes = [Verbatim(name): value]
            if let sort { attributes[Verbatim(sort.name)] = sort.value }
            return attributes
        }

        /// The key of an item that was found, its numbers as DynamoDB compares them.
        var canonical: [Verbatim: AttributeValue] { attributes.mapValues(\.canonical) }

        /// For the sentence of an error.
        var text: String {
            let parts = [(name, value)] + (sort.map { [($0.name, $0.value)] } ?? [])
            return parts.map { "\($0.0) is \($0.1.brief)" }.joined(separator: " and ")
        }
    }

    /// How an item is read.
    public struct Reading: Hashable, Sendable {
        /// Sees every write that was answered before; costs twice as much.
        public var isConsistent: Bool
        /// The attributes wanted; empty for all. Each is a path such as `owner.name` or `tags[0]`;
        /// a dot, a bracket or a backslash of a name's own has a backslash before it.
        public var attributes: [String]

        /// All attributes, eventually consistent, where nothing is said.
        public init(isConsistent: Bool = false, attributes: [String] = []) {
            self.isConsistent = isConsistent
            self.attributes = attributes
        }

        /// A name in such a path.
        public static func path(toName name: String) -> String {
            KeyNotation.escaped(name) { ".[\\".unicodeScalars.contains($0) }
        }

        /// The expression, in which every name has a placeholder: many words are reserved.
        var projection: (expression: String, names: [String: String])? {
            guard !attributes.isEmpty else { return nil }
            var holders: [Verbatim: String] = [:]
            let paths = attributes.map { path in
                Self.steps(path).map { step in
                    let usual = "#n\(holders.count)"
                    let holder = holders[Verbatim(step.name), default: usual]
                    holders[Verbatim(step.name)] = holder
                    return holder + step.places
                }.joined(separator: ".")
            }
            let names = Dictionary(uniqueKeysWithValues: holders.map { ($0.value, $0.key.text) })
            return (paths.joined(separator: ", "), names)
        }

        /// The names on a path, each with the places in lists that follow it: `[0]`.
        private static func steps(_ path: String) -> [(name: String, places: String)] {
            var steps = [(name: String.UnicodeScalarView(), places: String.UnicodeScalarView())]
            var isInPlaces = false
            var rest = path.unicodeScalars[...]
            while let scalar = rest.popFirst() {
                if scalar == "\\", !isInPlaces {
                    steps[steps.count - 1].name.append(rest.popFirst() ?? scalar)
                } else if scalar == "." {
                    steps.append((.init(), .init()))
                    isInPlaces = false
                } else if scalar == "[" || isInPlaces {
                    isInPlaces = true
                    steps[steps.count - 1].places.append(scalar)
                } else {
                    steps[steps.count - 1].name.append(scalar)
                }
            }
            return steps.map { (String($0.name), String($0.places)) }.filter { !$0.name.isEmpty }
        }
    }
}
