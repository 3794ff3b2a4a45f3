import ArgumentParser
import Foundation
import LarderGateway
import LarderInspector

/// What configuration files and `LARDER_` variables say: options by their names, without the
/// dashes. They are put before what stands on the command line, so that this wins, then the
/// environment, then the user's file, then the system's.
struct Settings: Equatable {
    /// One option, and where it was said.
    struct Setting: Equatable {
        var name: String
        /// As it would stand on the command line; none for a flag.
        var value: String?
        var place: String
    }

    /// From the weakest to the strongest.
    private var layers: [[Setting]] = []
    /// What was passed over and may have been meant.
    private(set) var notes: [String] = []
    /// Why bounds make no sense that name a table, where no gateway is before any.
    private var strangers: [SettingError] = []

    /// - Parameter hasGateway: Whether there is one whatever is said here.
    /// - Throws: ``SettingError``.
    init(
        _ environment: [String: String], files: [String]? = nil, hasGateway: Bool = false
    ) throws(SettingError) {
        for path in files ?? Self.files(environment) {
            let document: YAML?
            do { document = try YAML(path: path) } catch { throw SettingError(path, error) }
            if let document {
                layers.append(try read(document, path))
            } else if environment["LARDER_CONFIG"] == path,
                !FileManager.default.fileExists(atPath: path)
            {
                throw SettingError("\(path): there is no such file")
            }
        }
        let own = try read(environment)
        layers.append(own)
        let isSaid = layers.contains { $0.contains { Self.gateways.contains($0.name) } }
        guard !hasGateway, !isSaid else { return }
        if let stranger = strangers.first { throw stranger }
    }

    /// The system's, then the user's; one that is named by `LARDER_CONFIG` instead of both.
    private static func files(_ environment: [String: String]) -> [String] {
        if let named = environment["LARDER_CONFIG"], !named.isEmpty { return [named] }
        let own = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"] ?? NSHomeDirectory()
        return ["/etc/larder/config.yaml", "\(own ?? home + "/.config")/larder/config.yaml"]
    }

    // MARK: What can be said

    private enum Kind {
        case value, flag
        /// Several, with commas between them.
        case list
        /// Several, the option once for each.
        case repeated
    }

    private struct Known {
        var name: String
        var kind = Kind.value
        /// The origin that it belongs to, where that is one of them.
        var origin: OriginOptions.Origin?
        /// The commands that take it, where not all do that run an engine.
        var commands: Set<String> = ["top", "serve", "fetch"]
    }

    /// The commands that open a console.
    private static let looking: Set<String> = ["top", "attach"]

    private static let known: [Known] =
        [Known(name: "origin")]
        + [
            "table", "key", "sort-key", "region", "profile", "endpoint-url", "role",
            "role-session-name", "duration-seconds", "external-id", "policy", "source-identity",
            "follow-roles", "refused-refresh", "call-deadline", "attempt-deadline",
        ].map { Known(name: $0, origin: .aws) }
        + ["policy-arn", "tag", "transitive-tag-key", "allow-role"].map {
            Known(name: $0, kind: .repeated, origin: .aws)
        }
        + [
            Known(name: "consistent-read", kind: .flag, origin: .aws),
            Known(name: "attributes", kind: .list, origin: .aws),
            Known(name: "keys", kind: .list),
            Known(name: "accounts", origin: .embedded),
            Known(name: "latency", origin: .embedded),
            Known(name: "failing", origin: .embedded),
            Known(name: "traffic", commands: ["top", "serve"]),
            Known(name: "warm", commands: ["top", "serve"]),
            Known(name: "audit", commands: ["top", "serve"]),
            Known(name: "audit-required", kind: .flag, commands: ["top", "serve"]),
            Known(name: "refresh", commands: looking),
            Known(name: "sort", commands: looking),
            Known(name: "theme", commands: looking),
            Known(name: "glyphs", commands: looking),
            Known(name: "mouse", kind: .flag, commands: looking),
            Known(name: "plain", kind: .flag, commands: looking),
            Known(name: "bind", kind: .repeated, commands: looking),
            Known(name: "name", commands: ["serve"]),
            Known(name: "allow-gid", commands: ["serve"]),
            Known(name: "read-only", kind: .flag, commands: ["serve"]),
            Known(name: "log-format", commands: ["serve"]),
            Known(name: "grace", commands: ["serve"]),
            Known(name: "gateway", commands: ["serve"]),
            Known(name: "gateway-socket", commands: ["serve"]),
            Known(name: "follow-streams", kind: .repeated, origin: .aws, commands: ["serve"]),
            Known(name: "unsigned-ok", kind: .flag, commands: ["serve"]),
        ]

    /// The options that put a gateway before the engine.
    private static let gateways = ["gateway", "gateway-socket"]

    /// The options that say which origin is meant.
    private static let deciding: [String: OriginOptions.Origin] = [
        "table": .aws, "role": .aws, "endpoint-url": .aws, "profile": .aws,
    ]

    // MARK: Reading

    private mutating func read(
        _ environment: [String: String]
    ) throws(SettingError) -> [Setting] {
        var settings: [Setting] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("LARDER_") && !value.isEmpty {
            let word = variable.dropFirst(7).lowercased()
            if word.hasPrefix("cache_") {
                let name = String(word.dropFirst(6))
                if CacheOption.names.contains(name) {
                    settings.append(try cache(name, value, variable))
                } else if !Self.isServiceLink(variable, value) {
                    // A table's name has capitals of its own, and a variable's says nothing of them.
                    notes.append(
                        "\(variable) is passed over: no cache is called \"\(name)\"; "
                            + Words.there(are: CacheOption.names))
                }
            } else if let known = Self.known.first(where: {
                $0.name.replacing("-", with: "_") == word
            }), !Self.isServiceLink(variable, value) {
                settings += try Self.settings(known, [value], variable)
            }
        }
        return settings
    }

    /// What Kubernetes and Docker put there for every service that runs beside: of a service called
    /// `larder-cache` it is LARDER_CACHE_PORT, of a linked container LARDER_NAME=/web/larder as well.
    private static func isServiceLink(_ variable: String, _ value: String) -> Bool {
        let ending =
            /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_[A-Z_]+)?)?|ENV_.+)$/
        return variable.firstMatch(of: ending) != nil
            || variable.hasSuffix("_NAME") && value.wholeMatch(of: /\/[^\/]+\/[^\/]+/) != nil
    }

    private mutating func read(
        _ document: YAML, _ path: String
    ) throws(SettingError) -> [Setting] {
        guard let root = document.root else { return [] }
        guard let fields = root.fields else {
            throw SettingError("\(path)\(root.place): settings are expected, each as NAME: VALUE")
        }
        var settings: [Setting] = []
        for (key, value) in fields {
            let name = key.text ?? ""
            if name == "caches" {
                settings += try caches(value, path)
                continue
            }
            guard let known = Self.known.first(where: { $0.name == name }) else {
                let names = Self.known.map(\.name) + ["caches"]
                throw SettingError(
                    "\(path)\(key.place): there is no setting \"\(name)\"; "
                        + names.sorted().joined(separator: ", ") + " are accepted")
            }
            settings += try Self.settings(
                known, try Self.texts(value, known, path), "\(path)\(value.place)")
        }
        return settings
    }

    /// A value's texts: of a list one for each item.
    private static func texts(
        _ node: YAML.Node, _ known: Known, _ path: String
    ) throws(SettingError) -> [String] {
        if let text = node.text { return [text] }
        guard let items = node.items, [.list, .repeated].contains(known.kind) else {
            throw SettingError("\(path)\(node.place): \(known.name) is one value")
        }
        var texts: [String] = []
        for item in items {
            guard let text = item.text else {
                throw SettingError("\(path)\(item.place): \(known.name) is a list of plain values")
            }
            texts.append(known.kind == .list ? KeyNotation.piece(text) : text)
        }
        return texts
    }

    private mutating func caches(
        _ node: YAML.Node, _ path: String
    ) throws(SettingError) -> [Setting] {
        let said: [(name: String, bound: String, place: String)]
        do { said = try CacheOption.said(in: node) } catch { throw SettingError(path, error) }
        var settings: [Setting] = []
        for (name, bound, place) in said {
            let setting = try cache(name, bound, path + place)
            if !bound.isEmpty { settings.append(setting) }
        }
        return settings
    }

    private mutating func cache(
        _ name: String, _ bounds: String, _ place: String
    ) throws(SettingError) -> Setting {
        let text = "\(name):\(bounds)"
        do {
            let option = try CacheOption(parsing: text)
            do { try option.checkName() } catch {
                strangers.append(SettingError("\(place): \(error)"))
            }
        } catch {
            throw SettingError("\(place): \(error)")
        }
        return Setting(name: "cache", value: text, place: place)
    }

    private static func settings(
        _ known: Known, _ texts: [String], _ place: String
    ) throws(SettingError) -> [Setting] {
        let values: [String?]
        switch known.kind {
        case .value, .repeated: values = texts
        case .list: values = [texts.joined(separator: ",")]
        case .flag:
            guard let isOn = Self.truths[texts[0].lowercased()] else {
                throw SettingError("\(place): \(known.name) is true or false")
            }
            values = isOn ? [nil] : []
        }
        let settings = values.map { Setting(name: known.name, value: $0, place: place) }
        for setting in settings { try check(setting, known) }
        return settings
    }

    private static let truths = [
        "true": true, "yes": true, "on": true, "1": true,
        "false": false, "no": false, "off": false, "0": false,
    ]

    /// Checks one value by the option's own rules.
    private static func check(_ setting: Setting, _ known: Known) throws(SettingError) {
        let origin = known.origin.map { ["--origin", $0.rawValue] } ?? []
        do {
            if known.commands.contains("serve") {
                _ = try Serve.parse(origin + setting.arguments)
            } else {
                _ = try Top.parse(setting.arguments)
            }
        } catch {
            // What the value's own reader says, without the option that it would have stood behind.
            let whole = Serve.message(for: error)
            let head =
                whole.ranges(of: "--\(known.name): ").last
                ?? whole.firstRange(of: "' is invalid for '--\(known.name) <").flatMap {
                    whole[$0.upperBound...].firstRange(of: ">': ")
                }
            let message = head.map { String(whole[$0.upperBound...]) } ?? whole
            throw SettingError("\(setting.place): \(known.name): \(message)")
        }
    }

    // MARK: Putting them in

    /// A command line with what is said elsewhere put in, which is read only where its command takes
    /// any.
    static func arguments(
        before written: [String], _ environment: [String: String]
    ) throws(SettingError) -> [String] {
        guard command(written) != nil else { return written }
        let hasGateway = gateways.contains { name in
            written.contains { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }
        }
        let settings = try Settings(environment, hasGateway: hasGateway)
        for note in settings.notes { say(note) }
        return settings.arguments(before: written)
    }

    /// A command line with the settings put in that its command takes.
    func arguments(before written: [String]) -> [String] {
        guard let (path, command) = Self.command(written) else { return written }
        let typed = written.dropFirst(path)
        // Which origin it is, the strongest word decides; what belongs to the other one goes.
        let said = layers.reversed().lazy.compactMap { Self.origin($0.map { ($0.name, $0.value) }) }
        let origin = Self.origin(Self.pairs(typed)) ?? said.first
        let taken = layers.flatMap(\.self).filter { setting in
            guard let known = Self.known.first(where: { $0.name == setting.name }) else {
                return command == "serve" || !setting.isOfTable
            }
            guard known.commands.contains(command) else { return false }
            guard known.name != "origin" else { return origin == nil }
            return known.origin == nil || known.origin == origin ?? .embedded
        }
        // Of a command that runs no engine there is nothing to say of an origin.
        let isChosen = command != "attach" && (!taken.isEmpty || said.first != nil)
        let chosen = origin.map { ["--origin", $0.rawValue] } ?? []
        return written.prefix(path) + (isChosen ? chosen : []) + taken.flatMap(\.arguments) + typed
    }

    /// How many words name the command, and which it is of those that take settings; `nil` for all
    /// others.
    private static func command(_ written: [String]) -> (path: Int, name: String)? {
        let asksForHelp = written.contains { ["-h", "--help", "--version"].contains($0) }
        switch written.first {
        case nil: return (0, "top")
        case _ where asksForHelp: return nil
        case "top": return (1, "top")
        case "serve": return (1, "serve")
        case "attach": return (1, "attach")
        case "fetch": return written.count > 1 ? (2, "fetch") : nil
        case let first? where first.hasPrefix("--generate"): return nil
        case let first? where first.hasPrefix("-"): return (0, "top")
        default: return nil
        }
    }

    private static func pairs(_ typed: ArraySlice<String>) -> [(String, String?)] {
        zip(typed, typed.dropFirst().map(Optional.some) + [nil]).compactMap { word, next in
            guard word.hasPrefix("--") else { return nil }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
            return parts.isEmpty ? nil : (parts[0], parts.count > 1 ? parts[1] : next)
        }
    }

    private static func origin(_ settings: [(String, String?)]) -> OriginOptions.Origin? {
        for (name, value) in settings where name == "origin" {
            return value.flatMap { OriginOptions.Origin(rawValue: $0) }
        }
        return settings.lazy.compactMap { deciding[$0.0] }.first
    }

    /// The names of the options that are not said as in `other`, bounds of caches left out.
    func differences(from other: Settings) -> [String] {
        func said(_ settings: Settings) -> [String: [String?]] {
            Dictionary(grouping: settings.layers.flatMap(\.self), by: \.name)
                .mapValues { $0.map(\.value) }
        }
        let (mine, others) = (said(self), said(other))
        return Set(mine.keys).union(others.keys).filter { $0 != "cache" && mine[$0] != others[$0] }
            .sorted()
    }
}

extension Settings.Setting {
    /// Whether it says bounds that only a table behind a gateway can have.
    var isOfTable: Bool {
        guard name == "cache", let name = value?.prefix(while: { $0 != ":" }) else { return false }
        return !CacheOption.names.contains(String(name))
    }

    /// As it would stand on the command line.
    var arguments: [String] { ["--\(name)" + (value.map { "=\($0)" } ?? "")] }
}

/// What is wrong in a configuration file or a variable, and where.
struct SettingError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }

    init(_ path: String, _ trouble: YAML.Trouble) {
        self.init("\(path)\(trouble.place): \(trouble.sentence)")
    }
}
