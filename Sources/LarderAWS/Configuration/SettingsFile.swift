import FoundationEssentials
import Glibc

/// One setting, and where it stands.
struct Setting: Hashable, Sendable {
    var value: String
    var file: String
    var line: Int

    var place: String { "\(file):\(line)" }

    /// A hint where a value cannot be read: a comment behind it is part of it, in these files.
    var hint: String { Self.hint(value) }

    static func hint(_ value: String) -> String {
        value.firstMatch(of: /(^|\s)[#;]/) == nil
            ? "" : " (a comment stands in a line of its own; behind a value it is part of it)"
    }

    /// The settings inside of one whose value is a block of lines: `endpoint_url = …`.
    func nested() throws(AWSError) -> [String: Setting] {
        var inner: [String: Setting] = [:]
        for (offset, text) in value.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated() where !text.isEmpty
        {
            let scalars = text.unicodeScalars
            guard let sign = scalars.firstIndex(of: "=") else {
                throw AWSError(
                    .invalid,
                    "\(file):\(line + offset): this line sets nothing; write NAME = VALUE")
            }
            let name = String(scalars[..<sign]).stripped
            let value = String(scalars[scalars.index(after: sign)...]).stripped
            inner[name] = Setting(value: value, file: file, line: line + offset)
        }
        return inner
    }
}

/// A file of sections and settings, read as Python's `configparser` reads it, because that is what
/// the AWS CLI and botocore do: names of settings in any case, `=` or `:`, comments on lines of
/// their own, values that go on in lines set further in, nothing said twice.
struct SettingsFile: Sendable {
    /// In the order of the file.
    var sections: [(name: String, settings: [String: Setting])] = []

    /// `nil` where there is no such file; `/dev/null` and a folder do not count as one.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` with file and line.
    init?(path: String) throws(AWSError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            // What stands in a pipe could be read once only.
            if status.st_mode & S_IFMT == S_IFCHR { return nil }
            throw AWSError(.invalid, "\(path) is no regular file; save what it holds as one")
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw AWSError(
                .invalid, "\(path) cannot be read; check who owns it and its mode (0600 is usual)")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw AWSError(.invalid, "\(path) is no UTF-8 text; save it as such")
        }
        try self.init(text, file: path)
    }

    init(_ text: String, file: String) throws(AWSError) {
        var reader = Reader(file: file)
        for (number, line) in text.universalLines.enumerated() {
            try reader.take(line, number + 1)
        }
        sections = try reader.finished()
    }

    private struct Reader {
        let file: String
        var sections: [String: [String: Setting]] = [:]
        var order: [String] = []
        var defaults: [String: Setting] = [:]
        var section: String?
        var option: String?
        /// How far in the last setting stands: what stands further in goes on with it.
        var indent = 0

        private func fail(_ line: Int, _ what: String) -> AWSError {
            AWSError(.invalid, "\(file):\(line): \(what)")
        }

        mutating func take(_ line: String, _ number: Int) throws(AWSError) {
            // Scalars, because a mark behind a sign is one character with it.
            let text = line.stripped
            guard let first = text.unicodeScalars.first else {
                // An empty line may stand inside of a value.
                if let option { append("", to: option) }
                return
            }
            if first == "#" || first == ";" { return }
            let depth = line.unicodeScalars.prefix { $0.isBlank }.count
            if section != nil, let option, depth > indent {
                append(text, to: option)
                return
            }
            indent = depth
            let scalars = text.unicodeScalars
            if first == "[", let end = scalars.lastIndex(of: "]"),
                end > scalars.index(after: scalars.startIndex)
            {
                try begin(
                    String(scalars[scalars.index(after: scalars.startIndex)..<end]), number)
            } else if let section {
                try set(text, in: section, number)
            } else {
                throw fail(
                    number, "this line stands before the first section; write [default] above it")
            }
        }

        private mutating func begin(_ name: String, _ number: Int) throws(AWSError) {
            option = nil
            section = name
            guard name != "DEFAULT" else { return }
            guard sections[name] == nil else {
                throw fail(number, "[\(shown(name))] stands here for the second time; make it one")
            }
            sections[name] = [:]
            order.append(name)
        }

        private mutating func set(
            _ text: String, in section: String, _ number: Int
        ) throws(AWSError) {
            let scalars = text.unicodeScalars
            guard let sign = scalars.firstIndex(where: { $0 == "=" || $0 == ":" }),
                sign != scalars.startIndex
            else { throw fail(number, "this line sets nothing; write NAME = VALUE") }
            let name = String(scalars[..<sign]).stripped.lowercased()
            let value = String(scalars[scalars.index(after: sign)...]).stripped
            let setting = Setting(value: value, file: file, line: number)
            option = name
            let isDefault = section == "DEFAULT"
            if let before = isDefault ? defaults[name] : sections[section]![name] {
                throw fail(number, "\(shown(name)) is set in line \(before.line) already; keep one")
            }
            if isDefault { defaults[name] = setting } else { sections[section]![name] = setting }
        }

        private mutating func append(_ text: String, to option: String) {
            guard let section else { return }
            if section == "DEFAULT" {
                defaults[option]?.value += "\n" + text
            } else {
                sections[section]?[option]?.value += "\n" + text
            }
        }

        /// Only names are repeated in errors, never values.
        private func shown(_ text: String) -> String {
            AWSError.printable(String(text.prefix { $0 != "=" && $0 != ":" }.prefix(60)))
        }

        func finished() throws(AWSError) -> [(name: String, settings: [String: Setting])] {
            var finished: [(name: String, settings: [String: Setting])] = []
            for name in order {
                var settings = sections[name]!.merging(defaults) { own, _ in own }
                for (name, var setting) in settings {
                    let isBlock = setting.value.hasPrefix("\n") && !setting.value.stripped.isEmpty
                    let scalars = setting.value.unicodeScalars
                    let end = scalars.lastIndex { !$0.isBlank }
                    setting.value = end.map { String(scalars[...$0]) } ?? ""
                    if isBlock { _ = try setting.nested() }
                    settings[name] = setting
                }
                finished.append((name, settings))
            }
            return finished
        }
    }
}
