import Foundation

/// One setting, and where it stands.
struct Setting: Hashable, Sendable {
    var value: String
    var file: String
    var line: Int

    var place: String { "\(file):\(line)" }

    /// The settings inside of one whose value is a block of lines: `endpoint_url = …`.
    func nested() throws(AWSError) -> [String: Setting] {
        var inner: [String: Setting] = [:]
        for (offset, text) in value.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = text.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty else { continue }
            guard let sign = text.firstIndex(of: "=") else {
                throw AWSError(
                    .invalid,
                    "\(file):\(line + offset): \"\(AWSError.printable(text))\" sets nothing; write "
                        + "NAME = VALUE")
            }
            let name = text[..<sign].trimmingCharacters(in: .whitespaces)
            let value = text[text.index(after: sign)...].trimmingCharacters(in: .whitespaces)
            inner[name] = Setting(value: value, file: file, line: line + offset)
        }
        return inner
    }
}

/// A file of sections and settings, read as Python's `configparser` reads it, because that is what
/// the AWS CLI and botocore do: names of settings in any case, `=` or `:`, comments on lines of
/// their own, values that go on in lines set further in, nothing said twice.
struct SettingsFile: Sendable {
    var sections: [String: [String: Setting]] = [:]

    /// `nil` where there is no such file.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` with file and line.
    init?(path: String) throws(AWSError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            !isFolder.boolValue
        else { return nil }
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
        let lines = text.replacing("\r\n", with: "\n")
            .split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() { try reader.take(line, number + 1) }
        sections = reader.finished()
    }

    private struct Reader {
        let file: String
        var sections: [String: [String: Setting]] = [:]
        var defaults: [String: Setting] = [:]
        var section: String?
        var option: String?
        /// How far in the last setting stands: what stands further in goes on with it.
        var indent = 0

        private func fail(_ line: Int, _ what: String) -> AWSError {
            AWSError(.invalid, "\(file):\(line): \(what)")
        }

        mutating func take(_ line: Substring, _ number: Int) throws(AWSError) {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("#") || text.hasPrefix(";") { return }
            if text.isEmpty {
                // An empty line may stand inside of a value.
                if let option { append("", to: option) }
                return
            }
            let depth = line.prefix { $0 == " " || $0 == "\t" }.count
            if section != nil, let option, depth > indent {
                append(text, to: option)
                return
            }
            indent = depth
            if text.hasPrefix("["), let end = text.lastIndex(of: "]"),
                end > text.index(after: text.startIndex)
            {
                try begin(String(text[text.index(after: text.startIndex)..<end]), number)
            } else if let section {
                try set(text, in: section, number)
            } else {
                throw fail(
                    number,
                    "\"\(shown(text))\" stands before the first section; write [default] above")
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
        }

        private mutating func set(
            _ text: String, in section: String, _ number: Int
        ) throws(AWSError) {
            guard let sign = text.firstIndex(where: { $0 == "=" || $0 == ":" }),
                sign != text.startIndex
            else { throw fail(number, "this line sets nothing; write NAME = VALUE") }
            let name = text[..<sign].trimmingCharacters(in: .whitespaces).lowercased()
            let value = text[text.index(after: sign)...].trimmingCharacters(in: .whitespaces)
            let setting = Setting(value: value, file: file, line: number)
            option = name
            if section == "DEFAULT" {
                defaults[name] = setting
                return
            }
            if let before = sections[section]![name] {
                throw fail(number, "\(shown(name)) is set in line \(before.line) already; keep one")
            }
            sections[section]![name] = setting
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

        func finished() -> [String: [String: Setting]] {
            sections.mapValues { settings in
                settings.merging(defaults) { own, _ in own }.mapValues { setting in
                    var setting = setting
                    while setting.value.last?.isWhitespace == true { setting.value.removeLast() }
                    return setting
                }
            }
        }
    }
}
