import Larder
import LarderGateway
import LarderInspector

/// What the function's variables say.
///
/// A function is not to fail for a slip of the hand: what makes no sense is left out, and ``notes``
/// say what was wrong and what would be accepted.
struct ExtensionSettings: Sendable {
    /// Where the gateway listens: `LARDER_GATEWAY`.
    private(set) var address = GatewayAddress.usual
    /// The extension's own upstream for every service: `LARDER_ENDPOINT_URL`.
    private(set) var endpointURL: String?
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
        endpointURL = said("LARDER_ENDPOINT_URL")
        api = said("AWS_LAMBDA_RUNTIME_API")
        function = said("AWS_LAMBDA_FUNCTION_NAME")
        isSnapshot = said("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
        if let text = said("LARDER_GATEWAY") {
            do { address = try GatewayAddress(parsing: text) } catch {
                notes.append("LARDER_GATEWAY: \(error); \(address) is used")
            }
        }
        for text in (said("LARDER_CACHE") ?? "").split(separator: " ") {
            do {
                let option = try CacheOption(parsing: String(text))
                try option.applied(to: .usualTable).validate()
                caches.append(option)
            } catch {
                notes.append("LARDER_CACHE: \(error); the usual bounds are used")
            }
        }
        switch said("LARDER_METRICS") {
        case nil, "on": break
        case "off": hasMetrics = false
        case let text?:
            notes.append("LARDER_METRICS: \"\(text)\" is not accepted; on and off are, on is used")
        }
        // Megabytes, as Lambda says it; the largest function has 10,240.
        memory = said("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").flatMap { Int($0) }
            .flatMap { (1...1_000_000).contains($0) ? $0 << 20 : nil }
    }

    /// The bounds of a table's cache.
    func bounds(_ table: String) -> CacheConfiguration {
        caches.tableConfiguration(table, default: usualTable)
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
            !Self.endpoints.contains(name) || !own.contains { value.contains($0) }
        }
    }

    private static let endpoints: Set = [
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
}
