import Larder
import LarderAWS
import LarderGateway
import LarderInspector

/// What the function's variables say, and before them its file.
///
/// The file is `larder.yaml` beside the function's code, or what `LARDER_CONFIG` names. It says
/// `gateway`, `endpoint-url`, `role`, `metrics` and `caches`, as the configuration file of `larder` does.
///
/// A function is not to fail for a slip of the hand: what makes no sense is left out, and ``notes``
/// say what was wrong and what would be accepted.
struct ExtensionSettings: Sendable {
    /// Where the gateway listens: `LARDER_GATEWAY`.
    private(set) var address = GatewayAddress.usual
    /// The extension's own upstream for every service: `LARDER_ENDPOINT_URL`.
    private(set) var endpointURL: String?
    /// The role whose session the function's SDKs have by the wrapper: `LARDER_ROLE`.
    private(set) var role: String?
    /// The bounds of tables' caches, as `--cache` takes them, with blanks between several:
    /// `LARDER_CACHE`.
    private(set) var caches: [CacheOption] = []
    /// Whether a line of metrics is written at the end: `LARDER_METRICS`.
    private(set) var hasMetrics = true
    /// Where the Extensions API is, as `HOST:PORT`.
    private(set) var api: String?
    /// Bytes of memory that the whole function has; `nil` where nobody says so.
    private(set) var memory: Int?
    /// Whether what is done now is kept in a snapshot and goes on in many copies.
    private(set) var isSnapshot = false
    private(set) var function: String?
    private(set) var notes: [String] = []

    init(_ environment: [String: String]) {
        func said(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        api = said("AWS_LAMBDA_RUNTIME_API")
        function = said("AWS_LAMBDA_FUNCTION_NAME")
        isSnapshot = said("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
        // Megabytes, as Lambda says it; the largest function has 10,240.
        memory = said("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").flatMap { Int($0) }
            .flatMap { (1...1_000_000).contains($0) ? $0 << 20 : nil }
        var bounds: [Bound] = []
        read(said("LARDER_CONFIG"), said("LAMBDA_TASK_ROOT"), &bounds)
        for name in Self.names {
            let variable = "LARDER_" + name.uppercased().replacing("-", with: "_")
            if let text = said(variable) { set(name, text, variable) }
        }
        for text in (said("LARDER_CACHE") ?? "").split(whereSeparator: \.isWhitespace) {
            bound(String(text), "LARDER_CACHE", &bounds)
        }
        take(bounds)
    }

    /// A bound as it was said, and where.
    private typealias Bound = (option: CacheOption, place: String)

    /// Takes what makes sense together: of what does not, the last that was said is left out.
    private mutating func take(_ said: [Bound]) {
        var said = said
        /// - Parameter names: Of the options that count.
        func settle(_ names: Set<String>, _ bounds: ([CacheOption]) -> CacheConfiguration) {
            while true {
                do { return try bounds(said.map(\.option)).validate() } catch {
                    guard let last = said.lastIndex(where: { names.contains($0.option.name) })
                    else { return }
                    notes.append("\(said[last].place): \(error); it is left out")
                    said.remove(at: last)
                }
            }
        }
        settle(["credentials"]) {
            $0.configuration("credentials", default: Self.usualCredentials)
        }
        // Of all tables first, as theirs are each table's.
        let usual = usualTable
        let tables = said.map(\.option.name).filter { $0 != "credentials" }
        for name in [CacheOption.allTables] + tables {
            settle([name, CacheOption.allTables]) { $0.tableConfiguration(name, default: usual) }
        }
        caches = said.map(\.option)
    }

    private static let usualCredentials = CacheConfiguration(maxsize: 64, ttl: nil)

    /// The bounds of roles' sessions.
    var credentials: CacheConfiguration {
        caches.configuration("credentials", default: Self.usualCredentials)
    }

    /// What is one value, in the file and in a variable.
    private static let names = ["endpoint-url", "gateway", "metrics", "role"]

    private mutating func set(_ name: String, _ text: String, _ place: String) {
        switch name {
        case "gateway":
            do { address = try GatewayAddress(parsing: text) } catch {
                notes.append("\(place): \(error); \(address) is used")
            }
        case "endpoint-url": endpointURL = text
        case "role":
            do { role = try IAMRole(text).arn } catch {
                let sentence = (error as? AWSError)?.forLogs ?? "\(error)"
                notes.append("\(place): \(sentence); the function has its own keys")
            }
        default:
            switch text {
            case "on", "true": hasMetrics = true
            case "off", "false": hasMetrics = false
            default:
                let used = hasMetrics ? "on" : "off"
                notes.append(
                    "\(place): \"\(text)\" is not accepted; on and off are, \(used) is used")
            }
        }
    }

    /// - Parameter text: As it stands behind `--cache`.
    private mutating func bound(_ text: String, _ place: String, _ bounds: inout [Bound]) {
        do {
            let option = try CacheOption(parsing: text)
            guard option.saysSomething else {
                throw UnitError(
                    "\"\(text)\" sets nothing; write TABLE:ttl=60s, or *:ttl=60s for every table")
            }
            bounds.append((option, "\(place): \(text)"))
        } catch {
            notes.append("\(place): \(error); it is left out")
        }
    }

    private mutating func read(_ named: String?, _ folder: String?, _ bounds: inout [Bound]) {
        let path = named ?? "\(folder ?? "/var/task")/larder.yaml"
        do throws(YAML.Trouble) {
            guard let file = try YAML(path: path) else {
                if named != nil { notes.append("\(path): there is no such file") }
                return
            }
            guard let root = file.root else { return }
            guard let fields = root.fields else {
                throw YAML.Trouble(
                    place: root.place, sentence: "settings are expected, each as NAME: VALUE")
            }
            for (key, value) in fields {
                let name = key.text ?? ""
                if name == "caches" {
                    do throws(YAML.Trouble) {
                        for (cache, bound, place) in try CacheOption.said(in: value)
                        where !bound.isEmpty {
                            self.bound("\(cache):\(bound)", path + place, &bounds)
                        }
                    } catch {
                        notes.append(
                            "\(path)\(error.place): \(error.sentence); the usual bounds are used")
                    }
                } else if Self.names.contains(name), let text = value.text {
                    set(name, text, path + value.place)
                } else {
                    let isKnown = Self.names.contains(name)
                    notes.append(
                        "\(path)\(key.place): "
                            + (isKnown
                                ? "\(name) is one value"
                                : "there is no setting \"\(name)\"; caches, "
                                    + Self.names.joined(separator: ", ") + " are accepted"))
                }
            }
        } catch {
            notes.append("\(path)\(error.place): \(error.sentence); nothing of it is used")
        }
    }

    /// The bounds of a table's cache.
    func bounds(_ table: String) -> CacheConfiguration {
        // That name is the sessions'.
        caches.filter { $0.name != "credentials" }.tableConfiguration(table, default: usualTable)
    }

    /// A table's where nothing is said of it: it takes a 32nd of the function's memory at most, and
    /// never more than elsewhere.
    var usualTable: CacheConfiguration {
        var usual = CacheConfiguration.usualTable
        if let memory { usual.maxbytes = min(memory / 32, usual.maxbytes ?? memory / 32) }
        return usual
    }

    /// The environment as the extension's own requests heed it: an endpoint that is the extension
    /// itself is for the function.
    func withoutOwn(_ environment: [String: String]) -> [String: String] {
        let own = [address.description, "localhost:\(address.port)"]
        return environment.filter { name, value in
            !Self.endpoints.contains(name) || !own.contains(Self.authority(of: value).lowercased())
        }
    }

    /// The `HOST:PORT` of a URL.
    private static func authority(of url: String) -> Substring {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        let whole = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        return whole.split(separator: "@", omittingEmptySubsequences: false).last ?? whole
    }

    private static let endpoints: Set = [
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
}
