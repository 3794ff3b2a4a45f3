extension CacheOption {
    /// Bounds by cache as files have them, `accounts: {maxsize: 64, ttl: 300s}` or in one text: each
    /// bound as it stands behind `--cache NAME:`, and where it is said. A name comes first with no
    /// bound.
    package static func said(
        in node: YAML.Node
    ) throws(YAML.Trouble) -> [(name: String, bound: String, place: String)] {
        guard let caches = node.fields else {
            throw YAML.Trouble(
                place: node.place,
                sentence: "bounds by cache are expected: accounts: {maxsize: 64, ttl: 300s}")
        }
        var said: [(name: String, bound: String, place: String)] = []
        for (key, value) in caches {
            let name = key.text ?? ""
            said.append((name, "", key.place))
            if let text = value.text {
                said.append((name, text, value.place))
                continue
            }
            guard let bounds = value.fields else {
                throw YAML.Trouble(
                    place: value.place,
                    sentence: "bounds are expected: {maxsize: 64, ttl: 300s}")
            }
            for (key, value) in bounds {
                let bound = key.text ?? ""
                guard let text = value.text else {
                    throw YAML.Trouble(place: value.place, sentence: "\(bound) is one value")
                }
                said.append((name, "\(bound)=\(text)", value.place))
            }
        }
        return said
    }
}
